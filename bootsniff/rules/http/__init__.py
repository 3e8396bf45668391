"""Faults of HTTP exchanges; one file per fault, no state."""
