"""Photos of one camera that belong together, and the most that is seen at once in one of them."""
