"""Faults of encrypted connections; one file per fault, no state."""
