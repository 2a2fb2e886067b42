"""The library's face: load a model, count photos, read and split a set, train and evaluate on it.

    import sparrow

    model = sparrow.load("champion")
    photo = model.count("photo.jpg")
    print(photo.count, photo.low, photo.high)

What this module names is kept stable; CHANGELOG.md tells what changes. All of it works without
torch, Metaflow and MLflow, but for ``train``, which needs torch and the extra ``train``; ``load``
and the model need no extra, sets and scores need ``data``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sparrow.config import Config, DataConfig, load_config, stored_config, with_overrides
from sparrow.data import tables
from sparrow.data.checks.run import check_dataset
from sparrow.data.formats.csv import read_csv_tables
from sparrow.evaluation.evaluate import Evaluation, PhotoSet
from sparrow.evaluation.scored import Scored
from sparrow.inference.model import Model, PhotoCount, load
from sparrow.photo_names import PHOTO_SUFFIXES
from sparrow.pipeline.score import score_photos
from sparrow.pipeline.train_alone import split_alone, train_alone
from sparrow.progress import Progress

__all__ = ["Dataset", "Model", "PhotoCount", "evaluate", "load", "score", "split", "train"]


class Dataset(tables.Dataset):
    """Photos with boxes; see ``sparrow.data.tables.Dataset`` for its two tables."""

    @classmethod
    def read(
        cls,
        root: Path | str,
        *,
        classes: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> Dataset:
        """Read and check a set in the contract: ``images/`` and the two CSV tables.

        ``sparrow import`` makes one of other formats. Every photo is opened, hashed and measured.

        Args:
            root: the set's folder; nothing is written.
            classes: that boxes may have, any other is a fault; None takes those of the table.
            progress: called with (done, total) photos while they are measured.

        Raises:
            DataError: a table is not there, or a rule is broken; it names file, row and rule.
        """
        if classes is None:
            labels = read_csv_tables(Path(root))[1]
            named = set(labels.get("label_name", pd.Series()).dropna().astype(str))
            classes = sorted(named) or DataConfig().classes
        with tempfile.TemporaryDirectory() as prepared:
            kinds = PHOTO_SUFFIXES
            config = DataConfig(classes=tuple(classes), extensions=kinds, prepared=prepared)
            checked = check_dataset(Path(root), config, progress=progress).dataset
        return cls(checked.root, checked.images, checked.boxes)


def split(dataset: tables.Dataset, *, config: Path | str | None = None) -> tables.Dataset:
    """Assign each photo of a set to train, validation or test, so that nothing leaks.

    Photos of one author, near-duplicates and visits stay together. The same set gives the same
    split. Nothing is written: ``sparrow data split-report`` and a run keep theirs beside the set.

    Args:
        dataset: of ``Dataset.read``.
        config: YAML whose sections ``split``, ``data`` and ``seed`` say how; None takes the
            defaults.

    Returns:
        The same set with a column ``split`` of its photos; ``subset("test")`` is one part of it.

    Raises:
        DataError: there are too few authors or days to fill three splits.
        ConfigError: ``config`` cannot be used.
    """
    return split_alone(_config_of(dataset, config), dataset)


def train(
    dataset: tables.Dataset,
    folder: Path | str,
    *,
    config: Path | str | None = None,
    overrides: Sequence[str] = (),
) -> Model:
    """Train a detector: all that a run of the flow trains, without tuning, registry and MLflow.

    The best epoch and the threshold are chosen on the validation photos. Test photos are not
    looked at: ``evaluate(model, dataset.subset("test"))`` scores the model on them.

    Args:
        dataset: of ``split``; one that is not split is split as there.
        folder: the model folder to make.
        config: YAML of the training; None takes the defaults. The classes are the set's own.
        overrides: ``key=value`` texts, such as ``training.epochs=5``.

    Raises:
        ValueError: ``folder`` holds something.
        ConfigError: ``config`` or an override cannot be used.
        TrainingError: there is nothing to learn from, or the loss is not finite.
    """
    settings = _config_of(dataset, config, overrides)
    if "split" not in dataset.images:
        dataset = split_alone(settings, dataset)
    train_alone(settings, dataset, Path(folder))
    return Model(folder)


def _config_of(
    dataset: tables.Dataset, config: Path | str | None, overrides: Sequence[str] = ()
) -> Config:
    """The config, with the classes that the set holds."""
    settings = with_overrides(load_config(config) if config is not None else Config(), overrides)
    classes = tuple(sorted(dataset.boxes["label"].astype(str).unique())) or settings.data.classes
    data = settings.data.model_copy(update={"classes": classes})
    return settings.model_copy(update={"data": data})


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
