"""Formats of labels: a reader and a writer each, and the contract's own tables as CSV."""
