"""What a model's detections in a photo count: of all classes together, and of each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sparrow.detections import Detections
from sparrow.evaluation.counting import CountModel
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.tile_choice import Tiles
from sparrow.inference.tiled_detection import TiledDetections
from sparrow.predictions.record import ClassCount

Expected = tuple[float, float]  # expected count, half-width of its interval; neither rounded


@dataclass(frozen=True)
class Count:
    """A count and its interval.

    Attributes:
        count: detections at or above the operating threshold.
        low, high: None where the model has no calibrated count. Where the count is a minimum
            (``sparrow.predictions.count_words``), ``low`` is a number all the same, and only
            ``high`` is None.
    """

    count: int
    low: int | None
    high: int | None


Counts = tuple[Count, tuple[ClassCount, ...]]  # of all classes together, and of each


@dataclass(frozen=True)
class CountModels:
    """Count models that were fitted on photos which were seen in one way.

    Attributes:
        total: of all classes together; None where there is none.
        of_class: of the classes that have one.
        most: of objects in a photo, where that is known: a count that reaches it is a minimum.
    """

    total: CountModel | None = None
    of_class: Mapping[str, CountModel] = field(default_factory=dict)
    most: int | None = None


def whole_photos(info: ModelInfo) -> CountModels:
    """Of photos that are seen whole.

    Raises:
        ValueError: one of the model's count models is none.
    """
    fitted = info.count_model, info.class_count_models
    return _load(*fitted, info.threshold, info.max_objects)


def tiled_photos(info: ModelInfo, tiles: Tiles) -> CountModels:
    """Of photos that are seen in such tiles, if they were fitted for these.

    No number is the most that is found: each tile has its own (``TiledDetections``).

    Raises:
        ValueError: one of them is none.
    """
    fitted = info.tiled_count
    if fitted is None or fitted.tiles != tiles:
        return CountModels()
    return _load(fitted.count_model, fitted.class_count_models, info.threshold, None)


def _load(
    total: Mapping[str, Any] | None,
    of_class: Mapping[str, Mapping[str, Any]] | None,
    threshold: float,
    most: int | None,
) -> CountModels:
    """Count models of a ``model.json``, for the model's threshold (Any: ``to_dict``)."""
    return CountModels(
        None if total is None else CountModel.from_dict(total, threshold, most),
        {
            label: CountModel.from_dict(values, threshold, most)
            for label, values in (of_class or {}).items()
        },
        most,
    )


class CountEstimator:
    """What the count models of one model say of detections."""

    def __init__(self, info: ModelInfo, models: CountModels) -> None:
        """``models``: of photos that were seen as those of the detections."""
        self._info = info
        self._model, self._of_class, self._most = models.total, models.of_class, models.most

    def estimate(self, detections: Detections) -> Count:
        """Count and interval of all classes together, from all that the engine reported."""
        if self._model is None:
            return self._without_model(len(detections.above(self._info.threshold)), detections)
        estimate = self._model.estimate(detections)
        return Count(estimate.count, estimate.low, estimate.high)

    def all_counts(self, detections: Detections) -> Counts:
        """``estimate`` and ``class_counts``."""
        return self.estimate(detections), self.class_counts(detections)

    def class_counts(self, detections: Detections) -> tuple[ClassCount, ...]:
        """Count and interval of every class in the model's order, zero included.

        Of a model of one class they are ``estimate``'s.
        """
        names = self._info.class_names
        counts = (
            (self.estimate(detections),)
            if len(names) == 1
            else tuple(
                self._class_count(label, name, detections) for label, name in enumerate(names, 1)
            )
        )
        return tuple(
            ClassCount(name, count.count, count.low, count.high)
            for name, count in zip(names, counts, strict=True)
        )

    def expected(self, detections: Detections) -> tuple[Expected | None, ...]:
        """Of all classes together, then of every class; None where no count is calibrated."""
        names = self._info.class_names
        total = None if self._model is None else self._model.expected(detections.scores)
        if len(names) == 1:
            return total, total
        return total, *(
            self._of_class[name].expected(detections.of_class(label).scores)
            if name in self._of_class
            else None
            for label, name in enumerate(names, 1)
        )

    def _class_count(self, label: int, name: str, detections: Detections) -> Count:
        own = detections.of_class(label)
        if name not in self._of_class:
            return self._without_model(len(own.above(self._info.threshold)), detections)
        estimate = self._of_class[name].estimate(own)
        high = None if self._is_minimum(detections) else estimate.high
        return Count(estimate.count, estimate.low, high)

    def _without_model(self, count: int, detections: Detections) -> Count:
        return Count(count, count if self._is_minimum(detections) else None, None)

    def _is_minimum(self, detections: Detections) -> bool:
        """Whether all classes together reach the most that the engine finds: any may be cut."""
        most = self._most
        return most is not None and len(detections.above(self._info.threshold)) >= most


def counts_in_tiles(
    info: ModelInfo, tiles: Tiles, seen: TiledDetections
) -> tuple[Counts, tuple[Expected | None, ...]]:
    """``all_counts`` and ``expected`` of a photo that was seen in tiles.

    Args:
        info: of the model.
        tiles: for which its count models have to be fitted; None: for none, as no others are.
        seen: in the photo.
    """
    estimator = CountEstimator(info, tiled_photos(info, tiles))
    counts, expected = estimator.all_counts(seen.detections), estimator.expected(seen.detections)
    return (_as_minimums(*counts) if seen.is_minimum else counts), expected


def _as_minimums(total: Count, own: tuple[ClassCount, ...]) -> Counts:
    """The same counts as the least that there may be, of all classes and of each."""
    low = total.count if total.low is None else total.low
    return replace(total, low=low, high=None), tuple(
        replace(count, low=count.count if count.low is None else count.low, high=None)
        for count in own
    )
