"""The loader that versions registered before 0.2 name; new ones name sparrow.registry.pyfunc."""

from sparrow.registry.pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
