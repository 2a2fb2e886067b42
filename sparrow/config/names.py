"""Names of classes in a config: Sparrow's own short ones, or a class of the library's.

Whether the library has the class, and takes the parameters, is checked when a run starts and not
here: a config is also read where torch and Optuna are not installed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, JsonValue

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("cosine", "step", "linear", "none")
SAMPLERS = ("tpe",)
PRUNERS = ("median", "halving", "hyperband", "none")
CLASS_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")

Parameters: TypeAlias = dict[str, JsonValue]


def own_or_class(short_names: Sequence[str], module: str, example: str) -> Callable[[str], str]:
    """A validator: one of ``short_names``, or what may be a class of ``module``."""

    def check(name: str) -> str:
        if name in short_names or CLASS_NAME.fullmatch(name):
            return name
        allowed = ", ".join(map(repr, short_names))
        close = difflib.get_close_matches(name, short_names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"Input should be {allowed} or the name of a class of {module}, such as {example}{hint}"
        )

    return check


OptimizerName = Annotated[str, AfterValidator(own_or_class(OPTIMIZERS, "torch.optim", "RMSprop"))]
ScheduleName = Annotated[
    str, AfterValidator(own_or_class(SCHEDULES, "torch.optim.lr_scheduler", "StepLR"))
]
SamplerName = Annotated[
    str, AfterValidator(own_or_class(SAMPLERS, "optuna.samplers", "RandomSampler"))
]
PrunerName = Annotated[str, AfterValidator(own_or_class(PRUNERS, "optuna.pruners", "MedianPruner"))]


def refuse_idle(section: BaseModel, why: Mapping[str, str]) -> None:
    """Refuse keys that would change nothing: those of ``why`` that are not at their default.

    Raises:
        ValueError: there is one; the message says why it would change nothing.
    """
    for key, reason in why.items():
        default = type(section).model_fields[key].get_default(call_default_factory=True)
        if getattr(section, key) != default:
            raise ValueError(f"{key} does not apply: {reason} (found {getattr(section, key)!r})")
