"""Predictions of the service: one record a photo, the log that keeps them, windows of it."""
