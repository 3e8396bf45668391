"""Real firmware in QEMU against real servers in network namespaces; holds tests, never imported by the program."""
