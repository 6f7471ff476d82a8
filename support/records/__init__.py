"""Records: what identifies a run, what a record says, and what many of them say together."""
