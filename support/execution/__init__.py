"""Execution: what there is to run, and running it."""
