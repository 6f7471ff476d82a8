"""What every other package may use: paths, errors, locks, digests, processes, precisions."""
