"""Sparrow: detect and count house sparrows (or anything one can draw a box around) in photos.

This file imports nothing, so that `import sparrow` costs nothing in a flow or a service.
"""

# Metaflow packages only what lies beside the flow file unless a package asks to come along.
METAFLOW_PACKAGE_POLICY = "include"

__version__ = "0.1.0"
