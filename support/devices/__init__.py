"""Devices: which there are, which one a run has, and what happens on it meanwhile."""
