"""Networks: how they are built, where their first weights come from, what they put out."""

from sparrow.openmp import wait_without_spinning

wait_without_spinning()  # before torch is imported
