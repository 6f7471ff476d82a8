"""Many GPUs and many machines: orders are spread over a pool, and one driver keeps the results."""
