"""Faults of ProxyDHCP and port 4011; one file per fault, no state."""
