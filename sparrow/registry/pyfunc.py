"""How ``mlflow.pyfunc.load_model`` loads a version: named as loader in its ``MLmodel``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.images import read_image
from sparrow.inference.engine import Engine


class DetectorModel:
    """Paths of photos in, one row a detection out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def predict(
        self, model_input: pd.DataFrame | Sequence[str], params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Detect in photos.

        Args:
            model_input: paths of photo files: a table's first column, or a list.
            params: ``min_score`` in place of the operating threshold.

        Returns:
            One row a detection: photo, label, score, x_min_px, y_min_px, x_max_px, y_max_px.

        Raises:
            ImageError: a photo cannot be read.
        """
        table = isinstance(model_input, pd.DataFrame)
        paths = model_input.iloc[:, 0] if table else model_input  # type: ignore[union-attr]
        min_score = (params or {}).get("min_score", self._engine.info.threshold)
        names = self._engine.info.class_names
        rows: list[tuple[Any, ...]] = []
        for path in paths:
            detections = self._engine.detect(read_image(Path(str(path)))).above(min_score)
            for box, score, label in zip(
                detections.boxes_xyxy, detections.scores, detections.labels, strict=True
            ):
                rows.append((str(path), names[label - 1], float(score), *map(float, box)))
        columns = ["photo", "label", "score", "x_min_px", "y_min_px", "x_max_px", "y_max_px"]
        return pd.DataFrame(rows, columns=columns)


def _load_pyfunc(path: str) -> DetectorModel:
    """MLflow's entry point; ``path`` is the model folder."""
    return DetectorModel(Engine(Path(path)))
