"""From tables to a model folder: detector, training loop, tuning, and the engine that serves."""
