"""Faults of DHCPv6; one file per fault, no state."""
