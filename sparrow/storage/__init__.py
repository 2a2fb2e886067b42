"""What is on the disk: places and their sizes, the budget, who works on which run."""
