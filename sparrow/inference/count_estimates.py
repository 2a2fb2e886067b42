"""What a model's detections in a photo count: of all classes together, and of each by itself."""

from __future__ import annotations

from dataclasses import dataclass

from sparrow.detections import Detections
from sparrow.inference.model_folder import ModelInfo
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


class CountEstimator:
    """The count models of one model folder."""

    def __init__(self, info: ModelInfo) -> None:
        """Read them.

        Raises:
            ValueError: one of them is none.
        """
        self._info = info
        self._model = info.load_count_model()
        self._of_class = info.load_class_count_models()

    def estimate(self, detections: Detections) -> Count:
        """Count and interval of all classes together, from all that the engine reported."""
        if self._model is None:
            return self._without_model(len(detections.above(self._info.threshold)), detections)
        estimate = self._model.estimate(detections)
        return Count(estimate.count, estimate.low, estimate.high)

    def all_counts(self, detections: Detections) -> tuple[Count, tuple[ClassCount, ...]]:
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
        most = self._info.max_objects
        return most is not None and len(detections.above(self._info.threshold)) >= most
