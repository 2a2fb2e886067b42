"""What each step of ``train.py`` knows of its run: made anew in the step, never stored.

A step's stored values may be taken over by a later run, which has a config and folder of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage import begun_at, first_run, own_parameters
from metaflow import Run, current

if TYPE_CHECKING:
    from sparrow.config import Config
    from sparrow.pipeline.shared_state import SharedState


class RunValues:
    """Properties of the training flow."""

    changed_values: Mapping[str, Any]  # of the step ``choose``: keys of any type the config has

    @property
    def settings(self) -> Config:
        """The config of this run, overrides included."""
        from sparrow.config.base import watch_reads

        with watch_reads(None):  # what a step reads of it is noted when the step does
            return self._with_classes(self.given_config)

    @property
    def given_config(self) -> Config:
        """``settings`` before its classes are settled, if it names none."""
        from sparrow.config import make_config, with_overrides

        given = own_parameters(str(current.flow_name), str(current.run_id))
        return with_overrides(make_config(given["config"]), given["overrides"] or ())

    def shared_state(self) -> SharedState:
        """What this step fetches before it begins, and publishes."""
        from sparrow.pipeline.shared_state import training_state

        step, task = str(current.step_name), str(current.task_id)
        return training_state(self.given_config, step, self.run_key, task)

    def _with_classes(self, config: Config) -> Config:
        """The config with the classes that the step ``start`` has settled, once it has."""
        from sparrow.data.errors import DataError
        from sparrow.pipeline.classes import with_settled_classes

        if config.data.classes:
            return config
        folder = Path(config.stores.runs) / self.run_key
        settled = with_settled_classes(config, folder)
        if not settled.data.classes and current.step_name not in (None, "start"):
            raise DataError(
                f"{folder}: the list of classes that this run began with is gone; start another run"
            )
        return settled

    @property
    def tuned(self) -> Config:
        """``settings`` with what the study found best, or as the training that is gone on from."""
        from sparrow.config import with_values

        return with_values(self.settings, self.changed_values)

    @property
    def is_forced(self) -> bool:
        """Whether this run promotes even if a gate fails."""
        return bool(own_parameters(str(current.flow_name), str(current.run_id))["production"])

    @property
    def run_key(self) -> str:
        """Stays the same when the run is resumed under another id."""
        return first_run(str(current.flow_name), str(current.run_id))

    @property
    def begun_at(self) -> datetime:
        """When this run began."""
        return begun_at(Run(f"{current.flow_name}/{current.run_id}", _namespace_check=False))

    @property
    def work_dir(self) -> Path:
        """The run's folder."""
        return Path(self.settings.stores.runs) / self.run_key

    @property
    def data_pages(self) -> Path:
        """The folder of the run's pages about its data."""
        return self.work_dir / "data"
