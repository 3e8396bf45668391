"""Several packets to one thing (a transfer, an exchange, a handshake), still nobody's; knows no machines."""
