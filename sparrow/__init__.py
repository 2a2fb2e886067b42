"""Sparrow: detect and count house sparrows (or anything one can draw a box around) in photos.

    import sparrow

    model = sparrow.load("champion")
    print(model.count("photo.jpg").count)

``sparrow.api`` documents what there is. This file imports nothing until one of its names is used,
so that ``import sparrow`` costs nothing in a flow or a service.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sparrow.api import Dataset, Model, PhotoCount, evaluate, load, split, train

# Metaflow packages only what lies beside the flow file unless a package asks to come along.
METAFLOW_PACKAGE_POLICY = "include"

__version__ = "0.2.0"
__all__ = ["Dataset", "Model", "PhotoCount", "evaluate", "load", "split", "train"]


# What is in another module than ``sparrow.api``, which needs the extra ``data``.
_HOMES = dict.fromkeys(("Model", "PhotoCount", "load"), "sparrow.inference.model")


def __getattr__(name: str) -> object:
    """The library's face, loaded when it is first used (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    try:
        return getattr(importlib.import_module(_HOMES.get(name, "sparrow.api")), name)
    except ModuleNotFoundError as error:
        from sparrow.shipped import install_command

        said = f"sparrow.{name} needs {error.name}, which is not installed here. It comes with the"
        how = install_command("data")
        raise ModuleNotFoundError(f"{said} extra 'data': {how}", name=error.name) from error


def __dir__() -> list[str]:
    """What there is, whether it was used yet or not."""
    return sorted({*globals(), *__all__})
