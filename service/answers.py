"""The API's answers as types, from which JSON and its description are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from pydantic import BaseModel, Field

from sparrow.inference.card_facts import UNREGISTERED, version_row
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import CARD
from sparrow.inference.tile_choice import NO_TILES, TileChoice

MAX_COUNT = 100_000  # of a visitor's count for one photo


class Problem(BaseModel):
    """Why one photo could not be counted."""

    kind: str = Field(description="unreadable_photo or detector_failed")
    message: str = Field(description="a sentence for the person who sent the photo")


class ClassCountAnswer(BaseModel):
    """The objects of one class in a photo; its interval holds by itself, not with all others."""

    label: str
    count: int
    low: int | None = Field(description="null where the class has no calibrated count")
    high: int | None = Field(description="null, too, where the count is a minimum")


class ClassTotalAnswer(BaseModel):
    """The objects of one class in all photos that could be counted."""

    label: str
    total: int


class PhotoAnswer(BaseModel):
    """One photo. Either ``error`` is null, or ``count`` is."""

    prediction_id: str = Field(description="what feedback refers to")
    file_name: str
    width_px: int = Field(description="of the upright photo; 0 where it is unreadable")
    height_px: int
    boxes: list[tuple[float, float, float, float]] = Field(
        description="left, top, right, bottom in pixels of the upright photo, best score first"
    )
    scores: list[float] = Field(description="0..1, one per box")
    labels: list[str] = Field(description="class names, one per box")
    count: int | None = Field(description="of all classes together")
    count_low: int | None = Field(description="null where the model has no calibrated count")
    count_high: int | None = Field(description="null, too, where the count is a minimum")
    count_is_minimum: bool = Field(
        description="true where the count reaches the model's max_objects: there may be more"
    )
    class_counts: list[ClassCountAnswer] = Field(
        description="one for every class of the model, in its order; empty beside an error",
        examples=[
            [
                {"label": "robin", "count": 2, "low": 1, "high": 3},
                {"label": "wren", "count": 0, "low": 0, "high": 0},
            ]
        ],
    )
    smallest_object_px: int | None = Field(
        description="smaller objects may be missed; null where the photo is not much larger than "
        "the model sees it"
    )
    tiles: int = Field(
        description="parts of the photo that the model was shown beside the whole, to find small "
        "objects; 0: none. The count then has an interval only where one was fitted for such tiles"
    )
    out_of_distribution: bool | None = Field(
        description="whether the photo is unlike those that the model learnt from, so that its "
        "count has no interval; null where the model cannot tell"
    )
    error: Problem | None


class DetectAnswer(BaseModel):
    """One entry per photo, in the order they were sent."""

    model_name: str
    model_version: str
    threshold: float = Field(description="boxes below this score are not reported")
    photos: list[PhotoAnswer]
    total: int = Field(description="sum of the counts of all photos that could be counted")
    class_totals: list[ClassTotalAnswer] = Field(
        description="the same for every class of the model, in its order",
        examples=[[{"label": "robin", "total": 5}, {"label": "wren", "total": 0}]],
    )
    total_is_minimum: bool = Field(description="true where one of the counts is a minimum")


class ModelAnswer(BaseModel):
    """The model that is being served."""

    name: str
    version: str
    architecture: str
    class_names: list[str] = Field(
        description="in the order of class_counts", examples=[["robin", "wren"]]
    )
    threshold: float
    max_objects: int | None = Field(
        description="the most objects it finds in a photo; null where that is not recorded"
    )
    data_version: str
    trained_at: str
    counts_with_interval: bool
    tiles: str = Field(
        description="whether small objects are looked for in tiles of large photos, too: none, "
        "auto, or the side in pixels of the smallest"
    )
    tiles_with_interval: str = Field(description="the tiles whose counts have an interval, or none")
    learnt_from_drawings: bool = Field(
        description="a demonstration: on photos of a camera its counts mean little"
    )
    card: str | None = Field(description="the model card, Markdown")


class FeedbackAnswer(BaseModel):
    """Confirms that feedback was stored."""

    prediction_id: str
    stored: bool = True


class ErrorAnswer(BaseModel):
    """A request that was refused."""

    error: str


def photo_answer(counted: CountedPhoto) -> PhotoAnswer:
    """The API's answer for a counted photo."""
    record = counted.record
    problem = None
    if record.error is not None:
        problem = Problem(kind=record.error, message=counted.message or record.error)
    return PhotoAnswer(
        prediction_id=record.id,
        file_name=record.file_name,
        width_px=record.width_px,
        height_px=record.height_px,
        boxes=[(b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px) for b in record.boxes],
        scores=[box.score for box in record.boxes],
        labels=[box.label for box in record.boxes],
        count=record.count,
        count_low=record.count_low,
        count_high=record.count_high,
        count_is_minimum=record.count_is_minimum,
        class_counts=[ClassCountAnswer(**asdict(own)) for own in record.class_counts],
        smallest_object_px=counted.smallest_px,
        tiles=record.tiles,
        out_of_distribution=counted.out_of_distribution,
        error=problem,
    )


def detect_answer(counter: PhotoCounter, counted: Sequence[CountedPhoto]) -> DetectAnswer:
    """The API's answer for the photos of one request."""
    photos = [photo_answer(photo) for photo in counted]
    totals = dict.fromkeys(counter.info.class_names, 0)
    for photo in photos:
        for own in photo.class_counts:
            totals[own.label] += own.count
    return DetectAnswer(
        model_name=counter.info.name,
        model_version=counter.version,
        threshold=counter.info.threshold,
        photos=photos,
        total=sum(photo.count or 0 for photo in photos),
        class_totals=[ClassTotalAnswer(label=name, total=n) for name, n in totals.items()],
        total_is_minimum=any(photo.count_is_minimum for photo in photos),
    )


def describe_model(counter: PhotoCounter, tiles: TileChoice = NO_TILES) -> ModelAnswer:
    """The API's answer about a model that counts in such tiles, with its card where it has one."""
    info = counter.info
    card = counter.folder / CARD
    text = card.read_text(encoding="utf-8") if card.is_file() else None
    return ModelAnswer(
        name=info.name,
        version=counter.version,
        architecture=info.architecture,
        class_names=list(info.class_names),
        threshold=info.threshold,
        max_objects=info.max_objects,
        data_version=info.data_version,
        trained_at=info.trained_at,
        counts_with_interval=info.count_model is not None,
        tiles=str(tiles.tiles or "none"),
        tiles_with_interval=str(info.tiled_count.tiles if info.tiled_count else "none"),
        learnt_from_drawings=info.learnt_from_drawings,
        card=text and text.replace(UNREGISTERED, version_row(counter.version)),
    )
