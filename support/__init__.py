"""What runs, checks and publishes notebooks. Reads notebooks as data; imports common, never the reverse."""
