"""The command line: a module for each command, with its own options and help."""
