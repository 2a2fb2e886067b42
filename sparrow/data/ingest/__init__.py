"""New data into the raw set: all or nothing, with versions to go back to."""
