"""Faults of the line and the switch; one file per fault, no state."""
