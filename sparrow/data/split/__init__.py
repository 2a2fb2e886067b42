"""Train, validation and test, parted by groups of photos that belong together."""
