"""Kept for models registered before 0.2: their ``MLmodel`` names ``sparrow.release.pyfunc``."""
