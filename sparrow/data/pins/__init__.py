"""Data that follows git: a small committed pointer, the files of its state in a store."""
