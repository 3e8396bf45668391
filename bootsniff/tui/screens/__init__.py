"""Screens of the TUI, one for each job: main, machine, packet, explain, help."""
