"""YAML -> one frozen, typed ``Config``. Every knob is documented here and nowhere else.

A key that does not exist, or a value of the wrong type, is refused with the key's path and the
names that are allowed there: a typo must never train a different model in silence.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sparrow.search_space import space_faults
from sparrow.store_url import hide_secrets, holds_secret

Share = Annotated[float, Field(gt=0, lt=1)]
Unit = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Overlap = Annotated[float, Field(ge=0.1, lt=1)]  # below 0.1 two boxes are not held to be one bird


TRAINING_SECTIONS = (
    "name", "seed", "data", "split", "model", "augmentation", "training", "tuning", "evaluation",
)  # fmt: skip
PLACES = ("root", "new", "rejected", "prepared")  # of the section data
MAX_NAME_LENGTH = 63
NAME = re.compile(rf"(?=.{{1,{MAX_NAME_LENGTH}}}\Z)[a-z0-9]([-._a-z0-9]*[a-z0-9])?")
MAX_CLASS_NAME_LENGTH = 100


class ConfigError(ValueError):
    """A config that cannot be used; one line per fault, each with the key's path."""


class Section(BaseModel):
    """Frozen, strict on names: the base of every part of the config."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


S = TypeVar("S", bound=Section)


class GenerateConfig(Section):
    """Drawn photos, made when ``data.root`` does not exist yet."""

    photos: Count
    seed: int = 0


class DataConfig(Section):
    """Where photos and tables lie, and what is legal in them."""

    root: str = "data/raw"  # images/, image_info.csv, bboxes/bounding_boxes.csv
    new: str = "data/new"  # the same with the prefix new_ on both tables; merged, then emptied
    rejected: str = "data/rejected"  # what intake refused, with its report
    prepared: str = "data/prepared"  # caches, made on demand
    generate: GenerateConfig | None = None  # null: the data must be there
    classes: tuple[str, ...] = ("house_sparrow",)
    sources: tuple[str, ...] | None = None  # null: any
    licenses: tuple[str, ...] | None = None  # null: any; another one is an error
    extensions: tuple[str, ...] = (".jpg",)
    min_boxes_per_photo: Annotated[int, Field(ge=0)] = 0
    max_boxes_per_photo: Count = 300
    max_side_px: Count = 3000
    same_box_iou: Unit = 0.95  # two boxes of one class that overlap this much are one box twice
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)] = 12  # of two 64-bit hashes, both
    tiny_box_px: Annotated[float, Field(ge=0)] = 8.0  # a shorter side is a warning
    huge_box_share: Unit = 0.95  # of the photo; a larger box is a warning
    doubt_score: Unit = 0.8  # a detection this sure where no box is puts its photo up for review

    @model_validator(mode="after")
    def _consistent(self) -> DataConfig:
        if self.min_boxes_per_photo > self.max_boxes_per_photo:
            raise ValueError("min_boxes_per_photo must not exceed max_boxes_per_photo")
        if not self.classes or len({name.casefold() for name in self.classes}) < len(self.classes):
            raise ValueError("classes must name at least one class, each once, whatever its case")
        for name in self.classes:
            if not name.isprintable() or name != name.strip() or not name:
                raise ValueError(
                    f"classes: expected printable names, no blanks at their ends, found {name!r}"
                )
            if len(name) > MAX_CLASS_NAME_LENGTH:
                raise ValueError(
                    f"classes: at most {MAX_CLASS_NAME_LENGTH} characters, found {len(name)}"
                )
        return self


class SplitConfig(Section):
    """Shares of the photos; groups (author, near-duplicates, visits) never cross."""

    test_share: Share = 0.25
    validation_share: Share = 0.2  # of all photos
    tries: Count = 200  # seeds tried; the best-balanced split is kept
    # Photos of one camera (by EXIF), each at most so long after the one before, are one visit and
    # count once. A camera that releases by the clock needs less than its interval.
    visit_seconds: Annotated[float, Field(ge=0)] = 60.0
    licenses: tuple[str, ...] | None = None  # null: all; photos under others take no part

    @model_validator(mode="after")
    def _leaves_training(self) -> SplitConfig:
        if self.test_share + self.validation_share > 0.8:
            raise ValueError("test_share + validation_share must leave at least 0.2 for training")
        return self


# Architectures whose pyramid takes one anchor size for each of so many levels.
ANCHOR_LEVELS = {
    "fasterrcnn_resnet50_fpn_v2": 5,
    "retinanet_resnet50_fpn_v2": 5,
    "ssdlite320_mobilenet_v3_large": 6,
}


class ModelConfig(Section):
    """The detector. Defaults of the proposal and RoI numbers suit two CPU cores.

    The keys from ``rpn_pre_nms_top_n`` to ``box_positive_fraction`` are for the Faster R-CNNs only.
    """

    architecture: Literal[
        "fasterrcnn_mobilenet_v3_large_fpn",
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "fasterrcnn_resnet50_fpn_v2",
        "retinanet_resnet50_fpn_v2",
        "fcos_resnet50_fpn",
        "ssdlite320_mobilenet_v3_large",
    ] = "fasterrcnn_mobilenet_v3_large_fpn"
    weights: str = "coco"  # coco | imagenet | none | path of a state dict (whole or backbone)
    trainable_backbone_layers: Annotated[int, Field(ge=0, le=6)] = 6
    frozen_normalisation: bool = True  # false when training from scratch
    min_side_px: Annotated[int, Field(ge=64)] = 320  # photos are scaled to this short side ...
    max_side_px: Annotated[int, Field(ge=64)] = 640  # ... unless the long side would exceed this
    # MobileNet's pyramids take every size on every level; ResNet's and SSDlite's one for each level
    # (RetinaNet: and two more up to its double); FCOS has no anchors.
    anchor_sizes_px: Annotated[tuple[Count, ...], Field(min_length=1)] = (32, 64, 128, 256, 512)
    rpn_pre_nms_top_n: Count = 400
    rpn_post_nms_top_n: Count = 200
    rpn_batch_size_per_image: Count = 128
    rpn_score_threshold: Unit = 0.0
    box_batch_size_per_image: Count = 64  # RoIs sampled per photo; torchvision's default is 512
    box_positive_fraction: Share = 0.4
    box_nms_iou: Unit = 0.4
    box_detections_per_image: Count = 120

    @model_validator(mode="after")
    def _keys_apply(self) -> ModelConfig:
        idle: tuple[str, ...] = ()
        if not self.architecture.startswith("fasterrcnn"):
            idle = tuple(name for name in type(self).model_fields if name.startswith("rpn_"))
            idle += ("box_batch_size_per_image", "box_positive_fraction")
        if self.architecture.startswith("fcos"):
            idle += ("anchor_sizes_px",)
        for name in idle:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} does not apply to {self.architecture}; leave it out "
                    f"(found {getattr(self, name)})"
                )
        levels = ANCHOR_LEVELS.get(self.architecture)
        if levels and len(self.anchor_sizes_px) != levels:
            raise ValueError(
                f"anchor_sizes_px: {self.architecture} has {levels} pyramid levels and needs one "
                f"size for each, found {len(self.anchor_sizes_px)}"
            )
        return self


class AugmentationConfig(Section):
    """Random changes of the training photos, boxes included; 0 switches one off."""

    probability: Unit = 0.8  # of changing a photo at all
    horizontal_flip: Unit = 0.5
    vertical_flip: Unit = 0.0
    colour_jitter: Unit = 0.7
    rain: Unit = 0.0
    blur: Unit = 0.0
    crop: Unit = 0.0  # of at least half of each side, keeping every box's visible part honest
    scale_jitter: Unit = 0.0  # probability of a zoom between scale_range
    scale_range: tuple[float, float] = (0.75, 1.33)


class TrainingConfig(Section):
    """The training loop."""

    epochs: Count = 15
    batch_size: Count = 8
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # sgd only
    schedule: Literal["cosine", "step", "linear", "none"] = "cosine"
    step_epochs: Count = 2  # step only: every so many epochs ...
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1  # ... the rate is multiplied by this
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of all steps
    accumulate: Count = 1  # batches to one step of the optimizer; several processes share them
    clip_norm: Annotated[float, Field(gt=0)] = 10.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0: off
    patience_epochs: Count | None = None  # stop after so many epochs without a better score
    processes: Count = 1  # tasks that train together, each on its own batches of a step
    threads: Count = 2  # of each process
    workers: Annotated[int, Field(ge=0)] = 0  # processes that change photos ahead of a fast device
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="after")
    def _every_process_has_batches(self) -> Self:
        if self.accumulate % self.processes:
            raise ValueError(
                f"accumulate ({self.accumulate} batches a step) must be a multiple of processes "
                f"({self.processes}), which share them: set accumulate to {self.processes}"
            )
        return self


class NumberRange(Section):
    """A number to tune, between low and high, both included."""

    low: float
    high: float
    log: bool = False  # sampled by its logarithm; low is above 0 then, and there is no step
    step: float | None = None  # of which high - low is a whole number
    integer: bool = False  # low, high and step are whole numbers, and so is what is tried


Choice = str | float | int | bool | None


class TuningConfig(Section):
    """Optuna. ``space`` maps keys of model, training and augmentation to the values they may take.

    What no trial could use as it is written is refused when the config is read.
    """

    trials: Annotated[int, Field(ge=0)] = 20  # 0 skips tuning; the training section is used as is
    timeout_minutes: Annotated[float, Field(gt=0)] | None = None
    workers: Count = 1  # parallel steps on one shared study
    epochs: Count = 10
    photos: Count | None = None  # train each trial on so many photos; null: all
    threads: Count = 2  # per worker
    startup_trials: Annotated[int, Field(ge=0)] = 5
    warmup_epochs: Annotated[int, Field(ge=0)] = 3
    # "halving" lets one in three trials go on past 1, 3, 9 … epochs; "hyperband" does so from 1
    # epoch on for some trials, from 3 or 9 for others: slower, kinder to slow starters.
    pruner: Literal["median", "halving", "hyperband", "none"] = "median"
    space: dict[str, NumberRange | tuple[Choice, ...]] = {}
    # Keys tuned only when another key has a given value, such as
    # {"training.momentum": {"training.optimizer": "sgd"}}: the trial's value where that key is
    # tuned, and the config's own where it is not.
    conditions: dict[str, dict[str, Choice]] = {}


class EvaluationConfig(Section):
    """What is measured and how."""

    beta: Annotated[float, Field(gt=0)] = 2.0
    iou: Overlap = 0.5  # the headline F-beta's IoU: the threshold is chosen for it
    also_iou: tuple[Overlap, ...] = (0.4,)
    min_score: Share = 0.05  # detections below it are not even kept
    bootstrap_samples: Count = 1000
    confidence: Share = 0.95
    count_confidence: Share = 0.9
    # The operating threshold, found on validation photos: where F-beta is best, or where recall
    # equals the champion's (F-beta where there is no champion): counts over the years stay
    # comparable when the model changes.
    operating_point: Literal["f_beta", "champion_recall"] = "f_beta"


class PromotionConfig(Section):
    """The gate between a candidate and its place as champion."""

    min_f_beta: Unit = 0.5  # absolute bar for the headline score
    max_false_count_empty: Annotated[float, Field(ge=0)] = 1.0  # birds seen per photo without any
    # Of engine.onnx, the file that the service loads, in 10**6 bytes; weights, reference and cards,
    # which travel in the same folder, are not counted.
    max_model_mb: Annotated[float, Field(gt=0)] = 400.0
    # Of the median test photo, from its file to its boxes, on one processor thread with as many
    # photos at a time as the service counts; null: no bar.
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    confidence: Share = 0.95  # one-sided, that the candidate is better than the champion
    max_slice_loss: Unit = 0.1  # F-beta no slice may lose (ruled out where its photos can show it)


class StoresConfig(Section):
    """Where state lives: a URL or a path each, with an embedded default.

    A secret stands in none of them: ``postgresql://user:${DB_PASSWORD}@host/name`` takes it from
    the environment when the store is opened. PGPASSWORD and a passfile do, too.
    """

    tracking: str = "sqlite:///.sparrow/mlflow.db"
    registry: str | None = None  # null: the tracking store
    artifacts: str = ".sparrow/artifacts"  # MLflow's artifact root for a new experiment
    tuning: str = "sqlite:///.sparrow/optuna.db"
    promotion_log: str = "sqlite:///.sparrow/promotions.db"
    prediction_log: str = "sqlite:///.sparrow/predictions.db"
    runs: str = ".sparrow/runs"  # checkpoints and model folders of each run
    champion: str = ".sparrow/champion"  # what `bentoml serve` in the repo root serves
    monitoring: str = ".sparrow/monitoring"  # a folder for each run of `flows/monitor.py`

    @model_validator(mode="after")
    def _no_secret_is_written_down(self) -> Self:
        for name, url in self:
            if isinstance(url, str) and holds_secret(url):
                raise ValueError(
                    f"{name}: a password stands in {hide_secrets(url)}; configs go into models, "
                    "runs and logs. Write ${NAME} in its place, and set that environment variable"
                )
        for name in ("artifacts", "runs", "champion", "monitoring"):
            if "${" in getattr(self, name):
                raise ValueError(
                    f"{name}: no variable is put in here; an object store's own variables "
                    "(AWS_ACCESS_KEY_ID and the like) hold its secrets"
                )
        return self


class StorageConfig(Section):
    """How much may stay on this machine's disk; what is over a budget goes when a run ends.

    What was used longest ago goes first, and each thing that goes is named. The champion, the one
    before it, the newest run and whatever a process works on stay, budget or not; MLflow's
    artifacts, which hold every registered version, are never touched. ``sparrow status`` shows what
    takes how much, ``sparrow clean`` what could go now.
    """

    runs_gb: Annotated[float, Field(ge=0)] = 10.0  # of stores.runs
    prepared_gb: Annotated[float, Field(ge=0)] = 20.0  # decoded photos in data.prepared
    measured_mb: Annotated[float, Field(ge=0)] = 500.0  # measures of photos, there too: 1 KB each
    published_gb: Annotated[float, Field(ge=0)] = 3.0  # versions beside stores.champion
    monitoring_gb: Annotated[float, Field(ge=0)] = 1.0  # pages in stores.monitoring; verdicts stay


class ServiceConfig(Section):
    """The service and its page."""

    host: str = "127.0.0.1"  # address to listen at; 0.0.0.0: every address of this machine
    # Host headers to answer beside addresses and localhost: names, *.example.org, or * for any.
    allowed_hosts: tuple[str, ...] = ()
    # Addresses or networks of reverse proxies, whose X-Forwarded-For, -Proto, -Host and -Prefix
    # are believed; anybody else's are not. The proxy must set all four (docs/reverse-proxy.md).
    trusted_proxies: tuple[str, ...] = ()
    root_path: str = ""  # path at which a reverse proxy shows the service, such as /sparrow
    logins_per_minute: Count = 10  # wrong keys of one address; more are refused unread
    max_photos: Count = 32  # per request
    max_request_mb: Annotated[float, Field(gt=0)] = 64.0
    max_pixels: Count = 50_000_000  # of one photo
    threads: Count = 2  # photos counted at the same time, each on one core
    # Processes that count in place of the threads, each with its own copy of the model; 0: none.
    workers: Annotated[int, Field(ge=0)] = 0
    max_queue: Count = 64  # whole requests waiting or being counted; one more gets a 503
    # Of the bodies of all requests, half of it of one client; beyond it: a 503. null: as much as
    # four of the largest requests.
    max_waiting_mb: Annotated[float, Field(gt=0)] | None = None
    max_connections: Count = 512  # of more, those that ask for nothing are closed
    max_streams: Count = 256  # open pages, each of which listens for what becomes of its photos
    page_files_mb: Annotated[float, Field(gt=0)] = 1000.0  # visitors' photos, kept for an hour
    timeout_s: Annotated[float, Field(gt=0)] = 60.0  # for one request; longer is a 504
    upload_timeout_s: Annotated[float, Field(gt=0)] = 30.0  # for its body to arrive; else a 408
    require_api_key: bool = False  # the key itself is the environment variable SPARROW_API_KEY
    requests_per_minute: Count | None = None  # to the API, of one address; null: no limit
    cors_origins: tuple[str, ...] = ()  # other sites whose pages may call the API
    keep_share: Unit = 0.0  # of the photos sent, kept as files for review; 0 keeps none
    keep_folder: str = ".sparrow/photos"
    # Where rows wait that the prediction log cannot take; null: beside an SQLite log, or .sparrow.
    spill_folder: str | None = None
    keep_photos: Count = 1000  # at most so many; the oldest go first
    keep_days: Count = 30  # none longer

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_waiting_mb is not None and self.max_waiting_mb < 2 * self.max_request_mb:
            raise ValueError(
                f"max_waiting_mb ({self.max_waiting_mb:g}) must be at least twice max_request_mb "
                f"({self.max_request_mb:g}): one client gets half of it"
            )
        return self

    @model_validator(mode="after")
    def _addresses_are_such(self) -> Self:
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"trusted_proxies: expected addresses or networks such as 10.0.0.0/8, "
                    f"found {proxy!r}"
                ) from None
        if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", self.root_path):
            raise ValueError(
                f"root_path: expected a path such as /sparrow, without a slash at its end, "
                f"found {self.root_path!r}"
            )
        return self


class MonitoringConfig(Section):
    """Watching production: ``flows/monitor.py``."""

    false_alarm_rate: Share = 0.05  # of one run without drift, over all columns and looks together
    looks: tuple[Count, ...] = (25, 100, 400, 1600)  # each run judges the newest so many photos
    window_photos: Count = 2000  # the newest so many photos make the window ...
    window_days: Annotated[float, Field(gt=0)] | None = None  # ... or all of so many days
    max_photos: Count = 20_000  # read into memory; of a larger window an even sample
    error_share: Share = 0.02  # of photos that cannot be counted; more, beyond chance, is drift
    # Of the median of the newest looks[0] photos, from bytes to boxes; null: no bar.
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    on_drift: Literal["report", "train"] = "report"  # train: start flows/train.py on this machine
    cooldown_hours: Annotated[float, Field(gt=0)] = 24.0  # no second start within so many

    @model_validator(mode="after")
    def _looks_grow(self) -> MonitoringConfig:
        if not self.looks or list(self.looks) != sorted(set(self.looks)):
            raise ValueError("looks must name at least one number of photos, smallest first")
        return self


class Config(Section):
    """The whole of it; see the sections."""

    # MLflow experiment, registered model, Bento and folder: lower-case letters, digits, - . _
    name: str = "house-sparrow-detector"
    seed: int = 0
    data: DataConfig = DataConfig()
    split: SplitConfig = SplitConfig()
    model: ModelConfig = ModelConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    tuning: TuningConfig = TuningConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    promotion: PromotionConfig = PromotionConfig()
    stores: StoresConfig = StoresConfig()
    storage: StorageConfig = StorageConfig()
    service: ServiceConfig = ServiceConfig()
    monitoring: MonitoringConfig = MonitoringConfig()

    @field_validator("name")
    @classmethod
    def _everybody_takes_the_name(cls, name: str) -> str:
        if NAME.fullmatch(name) is None:
            words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_NAME_LENGTH].strip("-")
            hint = f"; how about {words}?" if words else ""
            raise ValueError(
                f"expected at most {MAX_NAME_LENGTH} lower-case letters, digits and - . _, "
                f"beginning and ending with a letter or digit{hint}"
            )
        return name

    @model_validator(mode="after")
    def _space_names_real_keys(self) -> Config:
        for key in (*self.tuning.space, *self.tuning.conditions):
            get_key(self, key)
        return self

    def of_the_training(self) -> dict[str, Any]:
        """What of the config describes a model: what it learned from and how, and how it is scored.

        Places, stores and limits are of the machine and its owner, and may be nobody else's.
        """
        kept = self.model_dump(mode="json", include=set(TRAINING_SECTIONS))
        kept["data"] = {name: kept["data"][name] for name in kept["data"] if name not in PLACES}
        return kept

    def content_hash(self) -> str:
        """First 12 hex digits of the config's SHA-256, the same on every machine."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file and apply ``key.path=value`` overrides.

    Raises:
        ConfigError: no such file, not YAML, unknown key, wrong type or range.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"config {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"config {path}: not UTF-8 text ({error})") from error
    return parse_config(text, overrides)


def parse_config(text: str, overrides: Sequence[str] = ()) -> Config:
    """YAML text and overrides -> Config (see ``load_config``)."""
    values = _read_mapping(text)
    for override in overrides:
        _apply_override(values, override)
    return _with_usable_space(make_config(values))


def read_section(kind: type[S], text: str, where: str) -> S:
    """YAML text -> a section by itself, as strictly as a whole config.

    Raises:
        ConfigError: see ``make_config``; its lines begin with ``where``.
    """
    return _validate(kind, _read_mapping(text), where)


def _read_mapping(text: str) -> dict[str, Any]:
    try:
        values = yaml.load(text, _UniqueKeyLoader) or {}  # noqa: S506 a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"config is not valid YAML: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"config must be a mapping of sections, found {type(values).__name__}")
    return values


def make_config(values: Mapping[str, Any]) -> Config:
    """A mapping (from YAML or an artifact) -> Config.

    Its search space is not checked: a model made before a rule of it came still opens.

    Raises:
        ConfigError: one line per fault, with the key's path and, for a name, the allowed ones.
    """
    return _validate(Config, values, "config")


def _validate(kind: type[S], values: Mapping[str, Any], where: str) -> S:
    try:
        # JSON mode: lists become tuples, while "3" still does not become 3.
        return kind.model_validate_json(json.dumps(values))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigError(f"{where}: {error}") from error
        lines = [_explain(dict(fault), kind) for fault in error.errors()]
        raise ConfigError(f"{where}:\n  " + "\n  ".join(dict.fromkeys(lines))) from None


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """A copy with ``key.path=value`` texts applied.

    Raises:
        ConfigError: see ``make_config``.
    """
    tree = config.model_dump(mode="json")
    for override in overrides:
        _apply_override(tree, override)
    return _with_usable_space(make_config(tree))


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A copy with some keys replaced: ``{"training.learning_rate": 0.01}``."""
    tree = config.model_dump(mode="json")
    for key, value in values.items():
        get_key(config, key)
        _set(tree, key, value)
    return make_config(tree)


def get_key(config: Config, key: str) -> Any:
    """The value at a dotted path.

    Raises:
        ValueError: no such key; the message lists what is there.
    """
    value: Any = config
    for i, name in enumerate(key.split(".")):
        names = list(type(value).model_fields) if isinstance(value, BaseModel) else []
        if name not in names:
            where = ".".join(key.split(".")[:i]) or "the config"
            raise ValueError(f"unknown key {key!r}: {where} has {', '.join(names) or 'no keys'}")
        value = getattr(value, name)
    return value


def _with_usable_space(config: Config) -> Config:
    faults = space_faults(config)
    if faults:
        raise ConfigError("config:\n  " + "\n  ".join(faults))
    return config


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML in which a key that is there twice is a fault; PyYAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As in YAML, every key once."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                line = key_node.start_mark.line + 1
                raise ConfigError(
                    f"config: {key_node.value!r} is there twice, again in line {line}"
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {override!r}: expected key.path=value")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {override!r}: the value is not valid YAML") from error
    if isinstance(value, str):
        with contextlib.suppress(ValueError):  # YAML 1.1 reads 1e-3 as text
            value = float(value)
    _set(values, key.strip(), value)


def _set(tree: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        child = tree.setdefault(section, {})
        if not isinstance(child, dict):
            child = tree[section] = {}
        tree = child
    tree[last] = value


def _explain(fault: dict[str, Any], kind: type[BaseModel]) -> str:
    location = [str(part) for part in fault["loc"]]
    path = ".".join(location)
    if fault["type"] != "extra_forbidden":
        found = "" if isinstance(fault["input"], dict) else f" (found {fault['input']!r})"
        return f"{path or 'config'}: {fault['msg'].removeprefix('Value error, ')}{found}"
    section: Any = kind
    for name in location[:-1]:
        field = section.model_fields.get(name) if hasattr(section, "model_fields") else None
        section = _section_type(field.annotation) if field is not None else None
    names = list(section.model_fields) if section is not None else []
    close = difflib.get_close_matches(location[-1], names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{path}: there is no such key.{hint} Allowed here: {', '.join(names)}"


def _section_type(annotation: Any) -> Any:
    for choice in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None
