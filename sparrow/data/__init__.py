"""From files to trusted tables: formats, checks, ingest, splits, synthetic photos."""
