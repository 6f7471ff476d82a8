"""Whether each framework, and the device itself, is as fast and as accurate here as it should be."""
