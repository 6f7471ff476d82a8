"""What contributors are helped with: a start, what is missing, and results ready to be sent."""
