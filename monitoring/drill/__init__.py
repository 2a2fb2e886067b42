"""For tests and benchmarks only: faults of known strength, and when the monitor notices them."""
