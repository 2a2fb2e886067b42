"""``run`` begins with the steps of an earlier run that nothing has changed for since.

It is Metaflow's own ``resume`` with this run's own config in place of the earlier run's: steps are
cloned up to the first that would be made from something else, and the others run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import metaflow.runtime
from lineage import TAKEN_TAG, own_parameters
from metaflow import Flow, Run, Step, namespace
from metaflow.datastore.datastore_set import TaskDataStoreSet
from metaflow.exception import MetaflowException, MetaflowNotFound
from metaflow.runtime import PREFETCH_DATA_ARTIFACTS, NativeRuntime
from step_notes import LOCK, RECORD, flow_source
from user_errors import UserError, user_errors

from sparrow.config import Config
from sparrow.pipeline.classes import with_classes
from sparrow.pipeline.data_state import data_state
from sparrow.pipeline.release import registered_folder
from sparrow.pipeline.run import begin_run
from sparrow.pipeline.run_files import WholeFiles, find_files, take_files
from sparrow.pipeline.stages import ALWAYS, STAGES
from sparrow.pipeline.start_checks import check_start
from sparrow.pipeline.step_record import (
    Difference,
    Now,
    StepRecord,
    first_difference,
    installed_packages,
)
from sparrow.pipeline.trained_folder import MODEL
from sparrow.progress import show_progress

NEWEST = 12  # runs that are looked at, the newest first


@dataclass(frozen=True)
class Taken:
    """What a run takes over.

    Attributes:
        run: Metaflow's id of the earlier run.
        records: of its steps that are taken over, by step.
        files: what they left in their runs' folders, by relative path.
        reason: why the first of the others runs.
    """

    run: str
    records: Mapping[str, StepRecord]
    files: Mapping[str, Path]
    reason: str

    def lines(self) -> list[str]:
        """For the log: which steps are whose, and why the next runs."""
        steps = list(self.records)
        if self.reason == NOTHING_CHANGED:
            return [f"Nothing changed since run {self.run}: its steps {steps[0]} to {steps[-1]} "
                    f"are taken over; {', '.join(ALWAYS)} run."]  # fmt: skip
        return [f"Taken over from run {self.run}: {', '.join(steps)}.", f"{self.reason}."]


NOTHING_CHANGED = "nothing changed"


class ReusingRuntime(NativeRuntime):
    """A local run that may begin with another run's finished steps."""

    def persist_constants(self, task_id: str | None = None) -> None:
        """As Metaflow does it; then choose what to take over."""
        super().persist_constants(task_id)
        flow, own = self._flow, str(self._run_id)
        if self._clone_run_id or own_parameters(flow.name, own)["fresh"]:
            return
        try:
            given: Config = flow.settings
        except user_errors() as error:
            raise UserError(str(error)) from None
        if given.stores.state is not None:
            print("Steps work on copies of stores.state: none is taken over from earlier runs.")
            return
        try:
            config = with_classes(given)
            warnings = check_start(config, weights=False)
        except user_errors():
            return  # the step ``start`` says it
        taken = find_taken(config, flow.name, own)
        if taken is None:
            return
        print(*warnings, sep="\n", end="\n" if warnings else "")
        print(*taken.lines(), sep="\n", flush=True)
        Run(f"{flow.name}/{own}", _namespace_check=False).add_tag(TAKEN_TAG + taken.run)
        work_dir = Path(config.stores.runs) / own
        begin_run(given, work_dir, own, show_progress("drawn"))
        take_files(taken.files, work_dir)
        self._clone_from(taken)

    def execute(self) -> None:
        """Clone what is taken over, then run the rest."""
        if self._taken:
            # Only a resumed run's parameters know who is its leader.
            self._parameters()._is_resume_leader = True
            self.clone_original_run(generate_task_obj=True, verbose=False)
        super().execute()

    _taken: Taken | None = None

    def _parameters(self) -> Any:  # a task of Metaflow's own, of which its stubs know nothing
        return self._params_task

    def _clone_from(self, taken: Taken) -> None:
        """What ``NativeRuntime.__init__`` sets up for a run that resumes another."""
        self._taken, self._clone_run_id = taken, taken.run
        self._steps_to_rerun = set(self._graph.nodes) - set(taken.records)
        self._origin_ds_set = TaskDataStoreSet(
            self._flow_datastore, taken.run, prefetch_data_artifacts=PREFETCH_DATA_ARTIFACTS
        )
        # The parameters are this run's own; whatever follows them may still be cloned.
        self._is_cloned[self._parameters().path] = True


def reuse_earlier_runs() -> None:
    """Let ``run`` take over what earlier runs have done; ``resume`` stays as it is.

    To be called before the flow is started, which is when Metaflow's commands take their runtime.
    """
    vars(metaflow.runtime)["NativeRuntime"] = ReusingRuntime


def find_taken(config: Config, flow: str, own: str) -> Taken | None:
    """The newest of the earlier runs that saves the most steps; None where none saves any.

    A run whose results cannot be read is passed over, with a word.
    """
    now = Now(config, _code(), installed_packages(LOCK), data_state(config.data))
    candidates = []
    for run, records in _recorded_runs(flow, own):
        difference = first_difference(records, now)
        if difference.reason == NOTHING_CHANGED:
            taken = _taken(run, records, difference, config)
            if taken.reason == NOTHING_CHANGED:
                return taken
        candidates.append((run, records, difference))
    # To look at files costs far more than to compare records: the most promising run first.
    best: Taken | None = None
    for run, records, difference in sorted(candidates, key=lambda c: -c[2].stage):
        if best is None or len(best.records) < len(_steps_before(difference.stage, records)):
            taken = _taken(run, records, difference, config)
            best = taken if best is None or len(taken.records) > len(best.records) else best
    if best is not None and len(best.records) <= 1:  # ``start`` alone is no work
        print(f"Nothing can be taken over from run {best.run}: {best.reason}.", flush=True)
        return None
    return best


def _recorded_runs(flow: str, own: str) -> Iterator[tuple[str, dict[str, StepRecord]]]:
    """The newest runs with a record, the newest first."""
    for run in _newest(flow, own):
        try:
            records = read_records(run)
        except (MetaflowException, OSError, ValueError, AttributeError, ImportError) as error:
            print(f"run {run.id} cannot be read and is passed over: {error}", flush=True)
            continue
        if records:
            yield run.id, records


def _steps_before(stage: int, records: Mapping[str, StepRecord]) -> list[str]:
    return [step for before in STAGES[:stage] for step in before.steps_of(records)]


def read_records(run: Run) -> dict[str, StepRecord]:
    """The records of a run's finished steps; steps of earlier releases have none."""
    records: dict[str, StepRecord] = {}
    for stage in STAGES:
        for name in stage.all_steps:
            record = _record(run, name)
            if record is not None:
                records[name] = record
        if any(name not in records for name in stage.steps_of(records)):
            break
    return records


def _record(run: Run, name: str) -> StepRecord | None:
    try:
        step: Step = run[name]
    except (KeyError, MetaflowNotFound):
        return None
    tasks = list(step)
    if not all(task.finished and task.successful for task in tasks):
        return None
    values: Sequence[Any] = [task[RECORD].data for task in tasks if RECORD in task]
    return next((value for value in values if value is not None and value.step == name), None)


def _taken(
    run: str, records: Mapping[str, StepRecord], difference: Difference, config: Config
) -> Taken:
    """The steps before the difference, but for the first whose files are not as it left them."""
    last = {name: record for record in records.values() for name in record.files}
    own = Path(config.stores.runs) / run  # which may have taken files over itself
    folders = [own, *{Path(record.work_dir) for record in records.values()}]
    kept: dict[str, StepRecord] = {}
    paths: dict[str, Path] = {}
    for step in _steps_before(difference.stage, records):
        record = records[step]
        expected = {name: last[name].files[name] for name in record.files}
        whole = _with_registered(find_files(expected, folders), expected, records, config)
        if whole.wrong:
            path = Path(record.work_dir, whole.wrong[0])
            reason = f"{step} runs again: {path} is not as run {record.run} left it"
            return Taken(run, _whole_stages(kept), paths, reason)
        kept[step] = record
        paths |= whole.paths
    return Taken(run, kept, paths, difference.reason)


def _with_registered(
    whole: WholeFiles,
    expected: Mapping[str, str],
    records: Mapping[str, StepRecord],
    config: Config,
) -> WholeFiles:
    """The model's files from its registered version, where a run's own were removed for room."""
    if not whole.wrong or "evaluate" not in records:
        return whole
    home = registered_folder(config, Path(records["evaluate"].work_dir).name)
    if home is None:
        return whole
    inside = f"{MODEL}/"
    again = find_files(
        {n.removeprefix(inside): expected[n] for n in whole.wrong if n.startswith(inside)}, [home]
    )
    paths = {f"{inside}{name}": path for name, path in again.paths.items()}
    wrong = tuple(name for name in whole.wrong if name not in paths)
    return WholeFiles({**whole.paths, **paths}, wrong)


def _whole_stages(records: Mapping[str, StepRecord]) -> dict[str, StepRecord]:
    """Without the steps of a stage of which not all are there."""
    ways = [stage.steps_of(records) for stage in STAGES]
    return {
        step: records[step] for way in ways if all(step in records for step in way) for step in way
    }


def _newest(flow: str, own: str) -> list[Run]:
    namespace(None)
    try:
        others = (run for run in Flow(flow).runs() if run.id != own)
        return list(islice(others, NEWEST))
    except MetaflowNotFound:
        return []


def _code() -> dict[str, dict[str, str]]:
    source = flow_source()
    return {step: source.files_of(step) for stage in STAGES for step in stage.all_steps}
