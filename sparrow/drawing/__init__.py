"""Everything that is drawn on photos, with NumPy and Pillow alone: boxes, tiles, contact sheets."""
