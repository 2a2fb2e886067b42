"""Training and tuning: data sets of tensors, the loop, its checkpoints, its workers."""
