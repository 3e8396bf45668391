"""Faults of connections; one file per fault, no state."""
