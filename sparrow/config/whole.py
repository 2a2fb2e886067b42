"""All sections together."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, field_validator, model_validator

from sparrow.config.base import Section
from sparrow.config.checks import ChecksConfig
from sparrow.config.cluster import ClusterConfig
from sparrow.config.data import PLACES, DataConfig, SplitConfig
from sparrow.config.evaluation import EvaluationConfig, PromotionConfig
from sparrow.config.monitoring import MonitoringConfig
from sparrow.config.renamed import renamed_key
from sparrow.config.service import ServiceConfig
from sparrow.config.stores import StorageConfig, StoresConfig
from sparrow.config.training import AugmentationConfig, ModelConfig, TrainingConfig
from sparrow.config.trials import is_parameter
from sparrow.config.tuning import TuningConfig

TRAINING_SECTIONS = (
    "name", "seed", "data", "checks", "split", "model", "augmentation", "training", "tuning",
    "evaluation",
)  # fmt: skip
MAX_NAME_LENGTH = 63
NAME = re.compile(rf"(?=.{{1,{MAX_NAME_LENGTH}}}\Z)[a-z0-9]([-._a-z0-9]*[a-z0-9])?")


class Config(Section):
    """The whole of it; see the sections."""

    # MLflow experiment, registered model, Bento and folder: lower-case letters, digits, - . _
    name: str = "house-sparrow-detector"
    seed: int = 0
    data: DataConfig = DataConfig()
    checks: ChecksConfig = ChecksConfig()
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
    cluster: ClusterConfig | None = None  # null: the flows ask for nothing beyond this machine

    @field_validator("name")
    @classmethod
    def _everybody_takes_the_name(cls, name: str) -> str:
        if NAME.fullmatch(name) is None:
            words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:MAX_NAME_LENGTH].strip("-")
            # An address in the place of a name may hold a password, and has nothing of a name.
            hint = f"; how about {words}?" if words and "://" not in name else ""
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


def changed_values(before: Config, after: Config) -> dict[str, Any]:
    """Dotted key -> its value in ``after`` as JSON has it, where that is not the value before."""
    trees = before.model_dump(mode="json"), after.model_dump(mode="json")
    changed: dict[str, Any] = {}
    for section, value in trees[1].items():
        old = trees[0][section]
        if not (isinstance(value, dict) and isinstance(old, dict)):
            value, old = {"": value}, {"": old}
        changed |= {
            f"{section}.{name}".rstrip("."): new
            for name, new in value.items()
            if new != old.get(name)
        }
    return changed


def get_key(config: Config, key: str) -> Any:
    """The value at a dotted path.

    Raises:
        ValueError: no such key; the message lists what is there.
    """
    value: Any = config
    for i, name in enumerate(key.split(".")):
        if isinstance(value, Mapping) and is_parameter(key):
            return value.get(name)  # None: not given
        names = list(type(value).model_fields) if isinstance(value, BaseModel) else []
        if name not in names:
            where = ".".join(key.split(".")[:i]) or "the config"
            if new := renamed_key(key):
                raise ValueError(f"{key!r} is now called {new}")
            raise ValueError(f"unknown key {key!r}: {where} has {', '.join(names) or 'no keys'}")
        value = getattr(value, name)
    return value
