"""Offline shadow: the same photos through champion and candidate, before anything moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.class_nouns import plural
from sparrow.data.tables import BOX_COLUMNS, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.matching import Bools, flatten
from sparrow.images import ImageError
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import ModelInfo
from sparrow.predictions.count_words import is_minimum
from sparrow.progress import Progress

SAME_BOX_IOU = 0.5
MINIMUMS = "Some counts reach the most that their model finds: these and their sums are minimums."


@dataclass(frozen=True, eq=False)
class Answer:
    """What one model says of a photo.

    Attributes:
        detections: those at or above its threshold.
        low, high: interval of the count; None where the model has none. Where the count is a
            minimum, ``high`` alone is None.
        alone: [N] detections the other model does not have (IoU 0.5, same class).
        model: that gave it.
    """

    detections: Detections
    low: int | None
    high: int | None
    alone: Bools
    model: ModelInfo

    @property
    def by_class(self) -> Counter[str]:
        """Detections of each class that was found."""
        return Counter(self.model.class_names[label - 1] for label in self.detections.labels)


@dataclass(frozen=True, eq=False)
class ShadowPhoto:
    """A photo and both answers."""

    path: Path
    champion: Answer
    candidate: Answer

    @property
    def change(self) -> int:
        """Objects more (or, below 0, fewer) with the candidate."""
        return len(self.candidate.detections) - len(self.champion.detections)

    @property
    def differing(self) -> int:
        """Boxes that only one of the two has."""
        return int(self.champion.alone.sum() + self.candidate.alone.sum())


@dataclass(frozen=True, eq=False)
class Shadow:
    """Both answers to every photo that could be read, the largest disagreement first."""

    photos: tuple[ShadowPhoto, ...]
    unreadable: tuple[tuple[Path, str], ...]

    @property
    def disagreeing(self) -> tuple[ShadowPhoto, ...]:
        """Photos in which a box differs."""
        return tuple(photo for photo in self.photos if photo.differing)

    def summary(self) -> list[str]:
        """What would change, in sentences."""
        if not self.photos:
            return ["No photo could be read."]
        total = len(self.photos)
        changes = np.array([photo.change for photo in self.photos])
        same, boxes = int((changes == 0).sum()), total - len(self.disagreeing)
        before = sum(len(photo.champion.detections) for photo in self.photos)
        after = sum(len(photo.candidate.detections) for photo in self.photos)
        least = any(
            is_minimum(answer.low, answer.high)
            for photo in self.photos
            for answer in (photo.champion, photo.candidate)
        )
        lines = [
            f"{same} of {total} photos keep their count ({same / total:.0%}); "
            f"in {boxes} every box is the same.",
            f"More objects: {(changes > 0).sum()} photos; fewer: {(changes < 0).sum()}; "
            f"in all {before} would become {after} ({changes.mean():+.2f} a photo).",
        ]
        lines += self._by_class()
        if least:
            lines.append(MINIMUMS)
        if self.unreadable:
            lines.append(f"Could not be read: {len(self.unreadable)}.")
        return lines

    def _by_class(self) -> list[str]:
        """The sums of each class of both models; nothing where both know the same one alone."""
        names = all_classes(self.photos[0])
        if len(names) == 1:
            return []
        plurals = self.photos[0].candidate.model.plurals
        before, after = Counter[str](), Counter[str]()
        for photo in self.photos:
            before += photo.champion.by_class
            after += photo.candidate.by_class
        sums = (f"{plural(name, plurals)} {before[name]} → {after[name]}" for name in names)
        return [f"By class: {', '.join(sums)}."]


def all_classes(photo: ShadowPhoto) -> list[str]:
    """Of both models, the champion's first."""
    names = (*photo.champion.model.class_names, *photo.candidate.model.class_names)
    return list(dict.fromkeys(names))


def replay(
    champion: Engine,
    candidate: Engine,
    paths: Sequence[Path],
    progress: Progress | None = None,
) -> Shadow:
    """Ask both models about every photo; one that cannot be read is listed, not fatal."""
    photos, unreadable = [], []
    for done, path in enumerate(paths, 1):
        try:
            read = champion.read(path), candidate.read(path)
        except (ImageError, OSError) as error:
            unreadable.append((path, str(error)))
        else:
            old, new = champion.detect_photo(read[0]), candidate.detect_photo(read[1])
            photos.append(compare_answers(path, champion.info, old, candidate.info, new))
        if progress:
            progress(done, len(paths))
    worst = sorted(
        photos, key=lambda photo: (-abs(photo.change), -photo.differing, str(photo.path))
    )
    return Shadow(tuple(worst), tuple(unreadable))


def compare_answers(
    path: Path,
    champion: ModelInfo,
    champion_detections: Detections,
    candidate: ModelInfo,
    candidate_detections: Detections,
) -> ShadowPhoto:
    """Compare two models' detections in one photo, each at its own threshold.

    Args:
        path: of the photo.
        champion_detections, candidate_detections: all that the models report, those below the
            threshold included.
    """
    names = tuple(dict.fromkeys((*champion.class_names, *candidate.class_names)))
    old = champion_detections.above(champion.threshold)
    new = candidate_detections.above(candidate.threshold)
    old_labels = [champion.class_names[label - 1] for label in old.labels]
    new_labels = [candidate.class_names[label - 1] for label in new.labels]
    rows = [("photo", label, *box) for label, box in zip(old_labels, old.boxes_xyxy, strict=True)]
    truth = Dataset(
        path.parent, pd.DataFrame({"image": ["photo"]}), pd.DataFrame(rows, columns=[*BOX_COLUMNS])
    )
    relabelled = Detections(new.boxes_xyxy, new.scores, _numbers(new_labels, names))
    matched = flatten(truth, {"photo": relabelled}, names).matched([SAME_BOX_IOU])[0]
    missing = np.ones(len(old), dtype=bool)
    missing[matched[matched >= 0]] = False
    return ShadowPhoto(
        path,
        _answer(champion, champion_detections, old, missing),
        _answer(candidate, candidate_detections, new, matched < 0),
    )


def _numbers(labels: Sequence[str], names: Sequence[str]) -> np.ndarray:
    return np.array([names.index(label) + 1 for label in labels], dtype=np.int64)


def _answer(info: ModelInfo, everything: Detections, shown: Detections, alone: Bools) -> Answer:
    count_model = info.load_count_model()
    if count_model is None:
        most = info.max_objects
        low = len(shown) if most is not None and len(shown) >= most else None
        return Answer(shown, low, None, alone, info)
    estimate = count_model.estimate(everything)
    return Answer(shown, estimate.low, estimate.high, alone, info)
