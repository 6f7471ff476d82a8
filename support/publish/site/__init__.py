"""The reader: a static site made from notebooks, records and the registry."""
