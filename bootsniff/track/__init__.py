"""Whose it is: machines, their boots and stages, moved by events; no I/O, no clock but the packets' own."""
