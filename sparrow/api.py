"""The library's face: load a model, count photos, read a set, evaluate a model on it.

    import sparrow

    model = sparrow.load("champion")
    photo = model.count("photo.jpg")
    print(photo.count, photo.low, photo.high)

What this module names is kept stable; CHANGELOG.md tells what changes. All of it works without
torch, Metaflow and MLflow; ``load`` and the model need no extra, sets and scores need ``data``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from sparrow.config import DataConfig, stored_config
from sparrow.data import tables
from sparrow.data.checks.run import check_dataset
from sparrow.data.formats.annotations import PHOTO_SUFFIXES
from sparrow.data.formats.csv import read_csv_tables
from sparrow.evaluation.evaluate import Evaluation, PhotoSet
from sparrow.evaluation.scored import Scored
from sparrow.inference.model import Model, PhotoCount, load
from sparrow.pipeline.score import score_photos
from sparrow.progress import Progress

__all__ = ["Dataset", "Model", "PhotoCount", "evaluate", "load", "score"]


class Dataset(tables.Dataset):
    """Photos with boxes; see ``sparrow.data.tables.Dataset`` for its two tables."""

    @classmethod
    def read(cls, root: Path | str, *, progress: Progress | None = None) -> Dataset:
        """Read and check a set in the contract: ``images/`` and the two CSV tables.

        Sets of other programs come into the contract by ``sparrow import``. All classes of the
        table are taken; every photo is opened, hashed and measured. Nothing is written.

        Args:
            root: the set's folder.
            progress: called with (done, total) photos while they are measured.

        Raises:
            DataError: a table is not there, or the set breaks a rule; the message names file, row
                and rule.
        """
        root = Path(root)
        labels = read_csv_tables(root)[1]
        names: set[str] = set()
        if "label_name" in labels:
            names = set(labels["label_name"].dropna().astype(str))
        with tempfile.TemporaryDirectory() as prepared:
            config = DataConfig(
                classes=tuple(sorted(names)) or DataConfig().classes,
                extensions=PHOTO_SUFFIXES,
                prepared=prepared,
            )
            checked = check_dataset(root, config, progress=progress).dataset
        return cls(checked.root, checked.images, checked.boxes)


def evaluate(
    model: Model,
    dataset: tables.Dataset,
    *,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a model on every photo of a set, at its own threshold, with intervals over groups.

    Args:
        model: of ``load``.
        dataset: of ``Dataset.read``, or any with the same columns.
        classes: score these alone, as if the photos held no other; None takes the model's.
        progress: called with (done, total) photos.

    Returns:
        ``headline`` holds each number with its 95 % interval; ``to_dict()`` gives plain JSON.

    Raises:
        ValueError: there is no photo; the set holds boxes of a class that the model does not
            know, and ``classes`` is not given; or neither of them knows one of ``classes``.
    """
    return score(model, dataset, classes=classes, progress=progress).evaluation


def score(
    model: Model,
    dataset: tables.Dataset,
    *,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Scored:
    """As ``evaluate``, with the detections and the time for a photo beside the evaluation."""
    if dataset.images.empty:
        raise ValueError(f"{dataset.root}: there is no photo to score a model on")
    names = model.info.class_names
    _refuse_unknown(dataset, names, classes)
    settings = stored_config(model.info.config)
    data = settings.data.model_copy(update={"classes": tuple(classes or names)})
    settings = settings.model_copy(update={"data": data})
    photo_set = PhotoSet(tables.data_version(dataset))
    return score_photos(settings, dataset, model.folder, photo_set, progress)


def _refuse_unknown(
    dataset: tables.Dataset, names: Sequence[str], classes: Sequence[str] | None
) -> None:
    there = dataset.boxes["label"].value_counts()
    strange = [name for name in classes or () if name not in names and name not in there.index]
    if strange:
        raise ValueError(
            f"neither the model nor {dataset.root} knows a class {', '.join(strange)}; the model "
            f"finds {', '.join(names)}, the set holds {', '.join(map(str, there.index)) or 'none'}"
        )
    if classes is not None:
        return
    unknown = {str(label): int(n) for label, n in there.items() if label not in names}
    if unknown:
        listed = ", ".join(f"{label} ({n:,} boxes)" for label, n in unknown.items())
        known = [name for name in names if name in there.index] or list(names)
        raise ValueError(
            f"{dataset.root} holds boxes of classes that this model does not know: {listed}. "
            f"It finds {', '.join(names)}. To score it on what it knows, name the classes: "
            f"{' '.join(known)}"
        )
