"""The model folder: what MLflow stores, what the Bento bundles, what the service loads.

``weights.safetensors`` (the network), ``engine.onnx`` (the same, runnable without torch),
``engine-int8.onnx`` (its convolutions in 8-bit integers; not of every network),
``reference.parquet`` (its predictions on held-out photos, for monitoring),
``training_distribution.npz`` (the kind of photos that it learnt from; not where those were few) and
``model.json``, which says what the rest is and holds every other file's SHA-256. No pickles.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from sparrow.atomic_file import write_atomic
from sparrow.class_nouns import stored_plurals
from sparrow.config import MAX_SIDE_PX
from sparrow.evaluation.counting import CountModel
from sparrow.evaluation.training_distribution import TRAINING_DISTRIBUTION
from sparrow.inference.safetensors_metadata import check_classes
from sparrow.inference.starter_origin import StarterOrigin
from sparrow.inference.tiled_count import TiledCount
from sparrow.photo_scale import Decoding
from sparrow.regular_file import sha256_of

WEIGHTS = "weights.safetensors"
ENGINE = "engine.onnx"
QUANTIZED_ENGINE = "engine-int8.onnx"  # goes before the other where integers are exact
REFERENCE = "reference.parquet"
INFO = "model.json"
CARD = "card.md"
CARD_PAGE = "card.html"  # the same with pictures, in one file
EXAMPLE = "example.jpg"  # a photo with boxes, in the card
MIN_SIDE_PX = 16
MAX_NAME_LENGTH = 500  # in models of earlier releases, too
MAX_FAULTS = 5  # of a file, in one message
LICENCES = "licences.json"  # ``data.licence_ledger.LicenceLedger``
REQUIRED = (WEIGHTS, ENGINE)
ALLOWED = {
    WEIGHTS, ENGINE, QUANTIZED_ENGINE, REFERENCE, TRAINING_DISTRIBUTION, INFO, CARD, CARD_PAGE,
    "MLmodel", EXAMPLE, LICENCES,
}  # fmt: skip


def _one_line(text: str) -> str:
    """Names go into tables, answers and logs, where a tab or a line break would be read as one."""
    if not text.isprintable() or not text.strip():
        raise ValueError(f"expected a printable name, found {text[:50]!r}")
    return text


Line = Annotated[str, Field(max_length=MAX_NAME_LENGTH), AfterValidator(_one_line)]


class ModelFolderError(ValueError):
    """A folder that is not a whole, untouched model; the message names the file."""


class ModelInfo(BaseModel):
    """``model.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format_version: Literal[1] = 1  # another one may mean other things by the same names
    name: Line
    architecture: str
    class_names: tuple[Line, ...] = Field(min_length=1)
    min_side_px: int = Field(ge=MIN_SIDE_PX)  # photos are scaled to this short side ...
    max_side_px: int = Field(le=MAX_SIDE_PX)  # ... unless the long side would exceed this
    min_score: float = Field(ge=0, le=1)  # the engine reports nothing below it
    threshold: float = Field(ge=0, le=1)  # operating threshold, chosen on validation photos
    data_version: str
    git_commit: str
    trained_at: str  # ISO 8601, UTC
    config: dict[str, Any]  # Config.of_the_training(); models of before hold the whole config
    metrics: dict[str, Any]  # Evaluation.to_dict() on the test split, filled in by evaluation
    count_model: dict[str, Any] | None = None  # CountModel.to_dict(); see load_count_model
    # By class name, of those that have one; null for a model of one class, whose is count_model.
    class_count_models: dict[str, dict[str, Any]] | None = None
    equal_recall: dict[str, Any] | None = None  # EqualRecall.to_dict(); null: no champion then
    engine_parity: dict[str, float]  # check_parity() and quantize_engine() of the export
    decoding: Decoding = "full"  # how its photos are decoded, and measured; of earlier releases all
    starter: StarterOrigin | None = None  # of a model that no photo here trained or tested
    tiled_count: TiledCount | None = None  # of counts in tiles
    files: dict[str, str] = {}  # name -> SHA-256

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.max_side_px < self.min_side_px:
            raise ValueError(
                f"max_side_px ({self.max_side_px}) is below min_side_px ({self.min_side_px})"
            )
        if len(set(self.class_names)) < len(self.class_names):
            raise ValueError("class_names: a class is named twice")
        if self.threshold < self.min_score:
            raise ValueError(
                f"threshold ({self.threshold:g}) is below min_score ({self.min_score:g}), which "
                "the engine reports nothing below"
            )
        for other in set(self.class_count_models or {}) - set(self.class_names):
            raise ValueError(f"class_count_models: {other!r} is not among the model's classes")
        fitted_for = (self.count_model or {}).get("threshold", self.threshold)
        if fitted_for != self.threshold:
            raise ValueError(
                f"the model counts from score {self.threshold} up, but its count model was fitted "
                f"for {str(fitted_for)[:50]}: the interval would not be the count's; restore the "
                "folder from the registry, or evaluate the model again"
            )
        return self

    @model_serializer(mode="wrap")
    def _as_before(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What only some models have is left out of others, so that earlier releases read them."""
        values: dict[str, Any] = handler(self)
        later = ("class_count_models", "decoding", "starter", "tiled_count")
        return {k: v for k, v in values.items() if k not in later or v not in (None, "full")}

    def load_count_model(self) -> CountModel | None:
        """The count model, for this model's threshold; None where it has none.

        Raises:
            ValueError: ``count_model`` is not one.
        """
        if self.count_model is None:
            return None
        return CountModel.from_dict(self.count_model, self.threshold, self.max_objects)

    def load_class_count_models(self) -> dict[str, CountModel]:
        """The count models of the classes that have one, for this model's threshold.

        Raises:
            ValueError: one of ``class_count_models`` is not one.
        """
        return {
            label: CountModel.from_dict(values, self.threshold, self.max_objects)
            for label, values in (self.class_count_models or {}).items()
        }

    @property
    def decoded_for_px(self) -> tuple[int, int] | None:
        """As ``decode_photo`` takes it: the input's sides where photos are decoded for them."""
        return (self.min_side_px, self.max_side_px) if self.decoding == "scaled" else None

    @property
    def learnt_from_drawings(self) -> bool:
        """Whether the training photos were drawn by ``sparrow generate``: a demonstration."""
        section = self.config.get("data")
        return isinstance(section, dict) and section.get("generate") is not None

    @property
    def plurals(self) -> dict[str, str]:
        """Class name -> its plural, of the classes that have one of their own (``class_nouns``)."""
        return stored_plurals(self.config.get("data"))

    @property
    def max_objects(self) -> int | None:
        """The most objects that the engine finds in a photo; None where that is not recorded.

        The engine is exported with the limits of the config that it was trained by.
        """
        section = self.config.get("model")
        names = ["box_detections_per_image"]
        if self.architecture.startswith("fasterrcnn"):
            names.append("rpn_post_nms_top_n")  # every box comes from a proposal
        limits = [section.get(name) for name in names] if isinstance(section, dict) else []
        return min((n for n in limits if type(n) is int and n > 0), default=None)


def write_info(folder: Path, info: ModelInfo) -> ModelInfo:
    """Write ``model.json`` with the hashes of the files that lie beside it."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name != INFO)
    info = info.model_copy(update={"files": {name: sha256_of(folder / name) for name in names}})
    write_atomic(folder / INFO, json.dumps(info.model_dump(mode="json"), indent=1) + "\n")
    return info


def read_info(folder: Path, *, verify: bool = True) -> ModelInfo:
    """Read ``model.json`` and check the files against it.

    Args:
        folder: the model folder.
        verify: compare SHA-256 sums (0.2 s for 80 MB); False trusts the files.

    Raises:
        ModelFolderError: a file is missing, changed, or does not belong there, or the class list
            is not the one the weights were trained for, or ``model.json`` contradicts itself.
    """
    path = folder / INFO
    if not path.is_file():
        raise ModelFolderError(f"{folder}: there is no {INFO}; this is not a model folder")
    try:
        info = ModelInfo.model_validate_json(path.read_text(encoding="utf-8"), strict=True)
    except (ValidationError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} is not a valid {INFO}: {_in_words(error)}") from error
    _check_files(folder, info)
    if verify:
        _check_hashes(folder, info)
    wrong = check_classes(folder / WEIGHTS, info.class_names)
    if wrong is not None:
        raise ModelFolderError(f"{path}: {wrong}; restore the folder from the registry")
    return info


def _check_files(folder: Path, info: ModelInfo) -> None:
    for name in (*REQUIRED, *info.files):
        if not (folder / name).is_file():
            raise ModelFolderError(f"{folder}: the file {name} is missing")
    for name in REQUIRED:
        if name not in info.files:
            raise ModelFolderError(
                f"{folder / INFO} has no SHA-256 of {name}; the folder is not whole"
            )
    for path in sorted(folder.iterdir()):
        if path.name not in ALLOWED:
            raise ModelFolderError(
                f"{folder}: {path.name} does not belong in a model folder; expected only "
                f"{', '.join(sorted(ALLOWED))}"
            )


def _check_hashes(folder: Path, info: ModelInfo) -> None:
    for name, expected in info.files.items():
        if sha256_of(folder / name) != expected:
            raise ModelFolderError(
                f"{folder}: {name} is not the file that was saved (its SHA-256 differs); "
                "restore the folder from the registry"
            )


def _in_words(error: ValidationError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors()
    ]
    return "; ".join(faults[:MAX_FAULTS])
