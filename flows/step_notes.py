"""What a step leaves about itself: what it was made from, for the runs that may take its result."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow import current
from user_errors import user_facing_step

from sparrow.pipeline.sources import FlowSource

if TYPE_CHECKING:
    from sparrow.pipeline.stages import Stage
    from sparrow.pipeline.step_record import StepRecord

RECORD = "record"  # the artifact; not merged by joins, each step makes its own
HERE = Path(__file__).resolve().parent
LOCK = HERE.parent / "requirements.lock"


def flow_source() -> FlowSource:
    """The training flow's file, and where its modules are."""
    return FlowSource(HERE / "train.py", (HERE, HERE.parent))


def noted_step(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a step of ``STAGES``: its record is kept with its result (and see ``user_errors``)."""

    @user_facing_step
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
    from sparrow.config.reads import recorded_reads
    from sparrow.pipeline.run_files import stamps, written_since
    from sparrow.pipeline.stages import STAGES

    step = str(current.step_name)
    stage = next(stage for stage in STAGES if step in stage.all_steps)
    if flow.index not in (None, 0):
        setattr(flow, RECORD, None)
        yield
        return
    code, before = flow_source().files_of(step), stamps(Path(flow.work_dir))
    with recorded_reads() as reads:
        yield
    files = written_since(before, Path(flow.work_dir))
    setattr(flow, RECORD, _record(flow, stage, reads, code, files))


def _record(
    flow: Any,  # as above
    stage: Stage,
    reads: Collection[str],
    code: Mapping[str, str],
    files: Mapping[str, str],
) -> StepRecord:
    from sparrow.pipeline.data_state import data_state
    from sparrow.pipeline.stages import is_place
    from sparrow.pipeline.step_record import StepRecord, installed_packages, values_of

    config = flow.settings
    kept = {key for key in reads if stage.keys and not is_place(key)}
    return StepRecord(
        step=str(current.step_name),
        run=str(current.run_id),
        work_dir=str(flow.work_dir),
        keys=values_of(config, sorted({*stage.keys, *kept})),
        code=code,
        packages=installed_packages(LOCK),
        data=data_state(config.data) if stage.touches_data else {},
        files=files,
        undeclared=tuple(sorted(kept - set(stage.keys))),
    )
