"""Faults of DHCPv4 offers and leases; one file per fault, no state."""
