"""Faults of address resolution; one file per fault, no state."""
