"""What a device reaches in matrix products and in copying memory, and what its vendor says."""
