"""From files to trusted tables: formats, checks, intake, splits, drawn photos."""
