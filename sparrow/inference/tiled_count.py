"""The count models of photos that are seen in tiles: fitted on validation photos seen likewise.

Tiles find more objects, and more that are none, in another proportion than the whole photo does:
an interval that was measured without them says nothing of a count with them.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from sparrow.inference.tile_choice import Tiles


class TiledCount(BaseModel):
    """A part of ``model.json``.

    Attributes:
        tiles: how the photos were seen; see ``Tiles``.
        count_model, class_count_models: as in ``ModelInfo``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tiles: Tiles
    count_model: dict[str, Any]  # Any: CountModel.to_dict()
    class_count_models: dict[str, dict[str, Any]] | None = None
