"""Training and tuning: data sets of tensors, the loop, its checkpoints, its workers."""

from sparrow.openmp import wait_without_spinning

wait_without_spinning()  # before torch is imported
