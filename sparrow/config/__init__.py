"""One frozen, typed ``Config`` from YAML. Every knob is documented in its section, nowhere else.

A key that does not exist, or a value of the wrong type, is refused with the key's path and the
names that are allowed there: a typo must never train a different model in silence.
"""

from sparrow.config.base import MAX_SIDE_PX, ConfigError, Section
from sparrow.config.checks import ChecksConfig
from sparrow.config.cluster import ClusterConfig, StepOnClusterConfig
from sparrow.config.data import PLACES, DataConfig, GenerateConfig, SplitConfig, plural_faults
from sparrow.config.evaluation import EvaluationConfig, PromotionConfig
from sparrow.config.load import (
    load_config,
    make_config,
    parse_config,
    read_stored,
    stored_config,
    with_overrides,
    with_trial_values,
    with_values,
)
from sparrow.config.monitoring import MonitoringConfig
from sparrow.config.names import OPTIMIZERS, PRUNERS, SAMPLERS, SCHEDULES
from sparrow.config.renamed import RENAMED, translate_config, translate_values
from sparrow.config.service import ServiceConfig
from sparrow.config.stores import StorageConfig, StoresConfig
from sparrow.config.training import AugmentationConfig, ModelConfig, TrainingConfig
from sparrow.config.tuning import NumberRange, TuningConfig
from sparrow.config.whole import TRAINING_SECTIONS, Config, changed_values, get_key

__all__ = [
    "MAX_SIDE_PX",
    "OPTIMIZERS",
    "PLACES",
    "PRUNERS",
    "RENAMED",
    "SAMPLERS",
    "SCHEDULES",
    "TRAINING_SECTIONS",
    "AugmentationConfig",
    "ChecksConfig",
    "ClusterConfig",
    "Config",
    "ConfigError",
    "DataConfig",
    "EvaluationConfig",
    "GenerateConfig",
    "ModelConfig",
    "MonitoringConfig",
    "NumberRange",
    "PromotionConfig",
    "Section",
    "ServiceConfig",
    "SplitConfig",
    "StepOnClusterConfig",
    "StorageConfig",
    "StoresConfig",
    "TrainingConfig",
    "TuningConfig",
    "changed_values",
    "get_key",
    "load_config",
    "make_config",
    "parse_config",
    "plural_faults",
    "read_stored",
    "stored_config",
    "translate_config",
    "translate_values",
    "with_overrides",
    "with_trial_values",
    "with_values",
]
