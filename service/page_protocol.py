"""What the page's script may ask, one model for each event; anything else is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.answers import MAX_COUNT

MAX_BOXES = 500  # of one corrected photo
MAX_PATH_LENGTH = 1000
MAX_SIDE_PX = 100_000

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Score = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[float, Field(ge=0, le=MAX_SIDE_PX)]
Name = Annotated[str, Field(max_length=MAX_PATH_LENGTH)]


class Request(BaseModel):
    """The base of all; numbers are numbers, and a field that is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Show(Request):
    """``min_score``: boxes below it are left out; null for the model's own threshold."""

    min_score: Score | None = None


class UploadedPhoto(Request):
    """A photo that the page uploaded: its path there, and its name, with its folders if known."""

    path: Name
    name: Name


class Count(Show):
    """Photos to count and add: uploaded ones, examples by position, those of the local folder.

    ``small``: whether small objects are looked for in tiles of large photos, too.
    """

    photos: list[UploadedPhoto] = []
    examples: list[Annotated[int, Field(ge=0, le=100)]] = []
    local: list[Name] = []
    small: bool = False


class Remove(Show):
    """Photos to take off the list; null for all."""

    photos: list[Sha256] | None


class Box(Request):
    """A box in pixels of the upright photo."""

    label: Annotated[str, Field(max_length=200)]
    corners: tuple[Pixels, Pixels, Pixels, Pixels]


class Correct(Show):
    """The visitor's boxes of a photo; null for the model's again."""

    photo: Sha256
    boxes: Annotated[list[Box], Field(max_length=MAX_BOXES)] | None


class Save(Show):
    """A photo is right as it is on the screen, or holds ``true_count`` objects.

    ``keep``: the visitor agrees that the photo is kept.
    """

    photo: Sha256
    true_count: Annotated[int, Field(ge=0, le=MAX_COUNT)] | None = None
    keep: bool = False


class Download(Show):
    """A file of what is on the screen; ``scores``: whether they are written on the boxes."""

    what: Literal["csv", "visits", "coco", "pictures"]
    scores: bool = True


class Folder(Request):
    """List the photos of a folder below the local one."""

    folder: Name


class Nothing(Request):
    """An event without a request of its own."""


REQUESTS: dict[str, type[Request]] = {
    "start": Nothing,
    "count": Count,
    "show": Show,
    "remove": Remove,
    "correct": Correct,
    "save": Save,
    "download": Download,
    "folder": Folder,
}
