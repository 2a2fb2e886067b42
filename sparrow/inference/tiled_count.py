"""The count models of photos that are seen in tiles: fitted on validation photos seen likewise.

Tiles find more objects, and more that are none, in another proportion than the whole photo does:
an interval that was measured without them says nothing of a count with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from sparrow.evaluation.counting import CountModel
from sparrow.inference.tile_choice import Tiles

if TYPE_CHECKING:
    from sparrow.inference.model_folder import ModelInfo


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


def tiled_model(info: ModelInfo, tiles: Tiles) -> CountModel | None:
    """The count model for photos that are seen in such tiles; None where none was fitted.

    Raises:
        ValueError: it is none.
    """
    fitted = info.tiled_count
    if fitted is None or fitted.tiles != tiles:
        return None
    return CountModel.from_dict(fitted.count_model, info.threshold)


def tiled_class_models(info: ModelInfo, tiles: Tiles) -> dict[str, CountModel]:
    """The same of the classes that have one.

    Raises:
        ValueError: one of them is none.
    """
    fitted = info.tiled_count
    if fitted is None or fitted.tiles != tiles:
        return {}
    return {
        label: CountModel.from_dict(values, info.threshold)
        for label, values in (fitted.class_count_models or {}).items()
    }
