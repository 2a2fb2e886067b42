"""Synthetic photos: birds, places and how they are put together. Pillow and NumPy only."""
