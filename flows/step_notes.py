"""What a step leaves about itself: what it was made from, for the runs that may take its result."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metaflow import current

from sparrow.config.reads import recorded_reads
from sparrow.pipeline.data_state import data_state
from sparrow.pipeline.run_files import stamps, written_since
from sparrow.pipeline.sources import FlowSource
from sparrow.pipeline.stages import STAGES, is_place
from sparrow.pipeline.step_record import StepRecord, installed_packages, values_of

RECORD = "record"  # the artifact; not merged by joins, each step makes its own
HERE = Path(__file__).resolve().parent
LOCK = HERE.parent / "requirements.lock"


def flow_source() -> FlowSource:
    """The training flow's file, and where its modules are."""
    return FlowSource(HERE / "train.py", (HERE, HERE.parent))


def noted_step(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a step of ``STAGES``: its record is kept with its result."""

    @functools.wraps(function)
    def wrapped(flow: Any, *inputs: Any) -> None:  # Metaflow's: a flow; a join's inputs
        with _noted(flow):
            function(flow, *inputs)

    return wrapped


@contextmanager
def _noted(flow: Any) -> Iterator[None]:  # a FlowSpec, whose attributes no type knows
    """Keep a ``StepRecord`` of the step that runs in the block, once it has succeeded.

    Of several tasks of a step the first makes the record, for all of them.
    """
    step = str(current.step_name)
    stage = next(stage for stage in STAGES if step in stage.steps)
    if flow.index not in (None, 0):
        setattr(flow, RECORD, None)
        yield
        return
    code, before = flow_source().files_of(step), stamps(Path(flow.work_dir))
    with recorded_reads() as reads:
        yield
    config, folder = flow.settings, Path(flow.work_dir)
    reads = {key for key in reads if stage.keys and not is_place(key)}
    record = StepRecord(
        step=step,
        run=str(current.run_id),
        work_dir=str(folder),
        keys=values_of(config, sorted({*stage.keys, *reads})),
        code=code,
        packages=installed_packages(LOCK),
        data=data_state(config.data) if stage.touches_data else {},
        files=written_since(before, folder),
        undeclared=tuple(sorted(reads - set(stage.keys))),
    )
    setattr(flow, RECORD, record)
