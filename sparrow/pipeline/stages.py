"""The stages of the training flow: their steps, and what each of them may read.

A run takes a stage's result from an earlier run where nothing of what it reads has changed since
(``step_record``). A key that a step reads and that is missing here fails tests/flows/test_reuse.py.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from sparrow.config import Config
from sparrow.pipeline.data_state import ASSIGNMENTS, NEW, RAW

# What is no key of the config, and yet decides what comes out.
TRACKING = "stores.tracking or MLFLOW_TRACKING_URI"
WEIGHTS = "the file of model.weights"
CHAMPION = "the champion"
ORIGIN = "the model of training.continue_from"

# Where things are kept, and how photos are drawn that are there already: no result depends on it.
PLACES = ("data.prepared", "data.rejected", "data.generate", "stores", "storage")


@dataclass(frozen=True)
class Stage:
    """Steps that are taken over together or not at all.

    Attributes:
        steps: their names, in order.
        keys: keys of the config that one of them may read.
        touches_data: the parts of ``data_state`` that it reads or changes.
        instead: steps that run in the place of ``steps``, where the flow chooses between the two.
    """

    steps: tuple[str, ...]
    keys: tuple[str, ...]
    touches_data: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()

    @property
    def all_steps(self) -> tuple[str, ...]:
        """Those of either way."""
        return self.steps + self.instead

    def steps_of(self, run: Container[str]) -> tuple[str, ...]:
        """The way that a run took, by the names of its finished steps."""
        return self.instead if any(step in run for step in self.instead) else self.steps


def _all_of(section: str, *, but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Every key of a section, those named left out."""
    names = type(getattr(Config(), section)).model_fields
    return tuple(f"{section}.{name}" for name in names if name not in but)


SHOWN = "data.show_licenses"  # read by whatever shows a photo
_CHECKED = _all_of(
    "data", but=("new", "rejected", "prepared", "generate", "plurals", "label_error_score")
)
_LEARNING = (
    "name", "seed", "data.classes", *_all_of("model"), *_all_of("augmentation"),
    "evaluation.beta", "evaluation.iou", "evaluation.min_score", WEIGHTS, ORIGIN,
)  # fmt: skip

STAGES: tuple[Stage, ...] = (
    Stage(("start",), ()),  # it notes the run, and draws photos that ``data_state`` then sees
    Stage(("check_data",), _CHECKED, (RAW,)),
    Stage(
        ("ingest",),
        (*_CHECKED, "data.new", "data.label_error_score", *_all_of("checks")),
        (RAW, NEW),
    ),
    Stage(
        ("split",),
        (
            "name",
            "seed",
            "data.root",
            "data.near_duplicate_bits",
            SHOWN,
            *_all_of("split"),
            *_all_of("checks"),
        ),
        (RAW, NEW, ASSIGNMENTS),
    ),
    Stage(("explore",), ("name", "tuning.workers", SHOWN)),
    Stage(
        ("tune", "gather"),
        (
            *_LEARNING,
            *_all_of("training"),
            *_all_of("tuning", but=("workers",)),
            "stores.tuning",
        ),
    ),
    Stage(
        ("choose",),
        (
            "name",
            "seed",
            "data.classes",
            *_all_of("training"),
            "stores.tuning",
            ORIGIN,
            *_all_of("tuning", but=("workers",)),
        ),
    ),
    Stage(
        ("train",),
        (*_LEARNING, *_all_of("training"), TRACKING, SHOWN),
        instead=("gang", "train_together", "gathered"),
    ),
    Stage(
        ("evaluate",),
        (
            "name",
            "seed",
            "data.classes",
            "data.plurals",
            "data.near_duplicate_bits",
            "data.label_error_score",
            SHOWN,
            "model.architecture",
            "model.weights",
            "split.visit_seconds",
            "service.threads",
            "service.workers",
            *_all_of("evaluation"),
            TRACKING,
            CHAMPION,
        ),
    ),
)
# The champion may have changed since: these run each time.
ALWAYS = ("promote", "bundle", "end")


def is_place(key: str) -> bool:
    """Whether a key says only where things are kept."""
    return any(key == place or key.startswith(f"{place}.") for place in PLACES)
