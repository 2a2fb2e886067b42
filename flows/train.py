"""Train a detector: from photos with boxes to a Bento of the champion, a step after the other.

    python flows/train.py run                                # the demo: offline, drawn photos
    python flows/train.py --config config configs/sparrow.yaml run --set training.epochs=20
    python flows/train.py resume                             # continue what did not finish

Each step calls the library and keeps what it returns. It imports what it calls: each step is a
process of its own, and each card two more, of which most need next to nothing of the library.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Found however it is started; and a clone runs without being installed.
sys.path[:0] = [str(HERE), *([str(ROOT)] if (ROOT / "sparrow").is_dir() else [])]

from user_name import settle_user_name

settle_user_name()

from cluster import OnCluster
from command_line import main
from metaflow import Config, FlowSpec, Parameter, card, current, parallel, project, step, timeout  # type: ignore[attr-defined]
from overrides import overrides_given
from run_values import RunValues
from step_notes import RECORD, noted_step
from step_state import publish_so_far
from store_steps import store_step
from user_errors import run_times, user_facing_config, user_facing_step

import sparrow.openmp
import sparrow.telemetry
from sparrow.progress import show_progress

sparrow.telemetry.switch_off()
sparrow.openmp.wait_without_spinning()

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaflow.datastore.inputs import Inputs


@OnCluster("train")
@project(name="sparrow")
class Train(RunValues, FlowSpec):
    """From photos with boxes to a served champion."""

    config = Config(
        "config",
        default=str(ROOT / "configs" / "demo.yaml"),
        parser=user_facing_config,
        help="YAML file with the keys of sparrow/config/",
    )
    # Metaflow puts the values in the parameters' place, which its stubs do not know.
    overrides: Sequence[str] | None = Parameter(  # type: ignore[assignment]
        "set", type=str, help="override a key: --set training.epochs=3 (repeatable)",
        multiple=True, callback=overrides_given, default=(),  # type: ignore[arg-type]
    )  # fmt: skip
    production: bool = Parameter(  # type: ignore[assignment]
        "production", type=bool, default=False, help="promote even if a gate fails",
        is_flag=True,  # type: ignore[arg-type]
    )  # fmt: skip
    fresh: bool = Parameter(  # type: ignore[assignment]
        "fresh", type=bool, default=False, help="run every step; take none over from earlier runs",
        is_flag=True,  # type: ignore[arg-type]
    )  # fmt: skip

    @step
    @noted_step
    def start(self) -> None:
        """Draw the demo's photos where they are not there yet; what can be refused at once."""
        from sparrow.pipeline.run import begin_run
        from sparrow.pipeline.start_checks import check_start

        begin_run(self.settings, self.work_dir, str(current.run_id), show_progress("drawn"))
        for line in check_start(self.settings):
            print(line)
        self.next(self.check_data)

    @card
    @timeout(hours=12)
    @step
    @noted_step
    def check_data(self) -> None:
        """Every rule on every photo and row; a broken one stops the run with its rows."""
        from cards.data import show_check

        from sparrow.data.tables import data_version
        from sparrow.pipeline.data import check_raw

        checked, page = check_raw(self.settings, self.data_pages, show_progress("measured"))
        print(checked.report.summary(), f"rows and photos: {page}", sep="\n")
        passed = checked.passed
        version = data_version(passed) if passed else "none"
        show_check(checked.report, len(passed.images) if passed else 0, version, page)
        checked.report.raise_for_errors()
        self.dataset = checked.dataset
        self.next(self.ingest)

    @card
    @timeout(hours=12)
    @step
    @noted_step
    def ingest(self) -> None:
        """Check ``data/new`` and merge it, all or nothing; compare it with what was there."""
        from cards.data import show_ingest

        from sparrow.pipeline.data import ingest_and_compare

        folder, progress = self.data_pages, show_progress("measured")
        outcome = ingest_and_compare(self.settings, self.dataset, folder, progress)
        self.dataset, self.data_version = outcome.dataset, outcome.result.data_version
        show_ingest(outcome)
        print(*outcome.lines(), sep="\n")
        self.next(self.split)

    @card
    @timeout(hours=6)
    @step
    @noted_step
    def split(self) -> None:
        """Train, validation, test; authors, near-duplicates and visits stay in one of them."""
        from cards.data import show_split

        from sparrow.pipeline.split import split_photos

        outcome = split_photos(self.settings, self.dataset, self.data_pages)
        self.dataset, self.split_report = outcome.result.dataset, outcome.result.report
        show_split(self.settings, self.dataset, self.split_report, outcome)
        print(*outcome.lines(), sep="\n")
        print(*outcome.keep(self.settings), sep="\n")
        self.next(self.explore)

    @card
    @card(type="blank", id="dataset_card")
    @timeout(hours=6)
    @step
    @noted_step
    def explore(self) -> None:
        """The pictures that tell what the data is like, and its card."""
        from cards.report import show_card, show_pictures

        from sparrow.pipeline.explore import explore_data

        self.dataset_card, pictures = explore_data(
            self.settings, self.dataset, self.split_report, self.work_dir
        )
        show_card("dataset_card", self.dataset_card)
        show_pictures("The data", pictures)
        self.workers = list(range(self.settings.tuning.workers))
        self.next(self.tune, foreach="workers")

    @step
    @noted_step
    def tune(self) -> None:
        """One worker's share of the study."""
        from sparrow.pipeline.tuning import tune

        self.study = f"{self.settings.name}-{self.run_key}"
        tune(self.settings, self.study, self.dataset, partial(print, flush=True))
        self.next(self.gather)

    @step
    @noted_step
    def gather(self, inputs: Inputs) -> None:
        """The study's workers are done. (A step that joins may not part again in Metaflow.)"""
        self.merge_artifacts(inputs, exclude=[RECORD])
        self.next(self.choose)

    @card
    @store_step(hours=1, tries=2)
    @step
    @noted_step
    def choose(self) -> None:
        """The config with the best trial's values, and how the study came to them."""
        from cards.report import show_tuning

        from sparrow.pipeline.tuning import choose_best

        outcome = choose_best(self.settings, self.study, self.dataset, self.work_dir)
        self.best_values, self.changed_values = outcome.best_values, outcome.changed_values
        if outcome.trials:
            print("best values:", self.best_values)
        show_tuning(outcome.trials, self.best_values, outcome.pictures)
        self.processes = "one" if self.settings.training.world_size == 1 else "several"
        # A dictionary of steps, which Metaflow's stubs do not know.
        self.next({"one": self.train, "several": self.gang}, condition="processes")  # type: ignore[arg-type]

    @card(type="blank", id="training", refresh_interval=5)
    @step
    @noted_step
    def train(self) -> None:
        """Train with the tuned config, keep the best epoch, export the engine."""
        from cards.live_training import train_in_view

        from sparrow.pipeline.training_run import RunPlace

        own = RunPlace(self.work_dir, self.run_key, self.best_values, publish_so_far)
        self.trained = train_in_view(self.tuned, self.dataset, own)
        self.next(self.evaluate)

    @step
    @noted_step
    def gang(self) -> None:
        """Start all processes of the training together. (No step may both choose and part.)"""
        self.next(self.train_together, num_parallel=self.settings.training.world_size)

    @card(type="blank", id="training", refresh_interval=5)
    @parallel
    @step
    @noted_step
    def train_together(self) -> None:
        """As ``train``, by several processes; the first of them keeps, shows and exports."""
        from cards.live_training import show_worker_rank, train_in_view

        from sparrow.pipeline.train import run_worker_rank
        from sparrow.pipeline.training_run import RunPlace
        from sparrow.training.distributed import set_rank_environment

        place = current.parallel  # type: ignore[attr-defined]  # from @parallel, which has no stub
        rank, size = place.node_index, place.num_nodes
        set_rank_environment(rank, size, place.main_ip, self.run_key)
        if rank == 0:
            own = RunPlace(self.work_dir, self.run_key, self.best_values, publish_so_far)
            self.trained = train_in_view(self.tuned, self.dataset, own)
        else:
            show_worker_rank(rank, size)
            run_worker_rank(self.tuned, self.dataset, self.work_dir)
        self.next(self.gathered)

    @step
    @noted_step
    def gathered(self, inputs: Inputs) -> None:
        """The training's processes are done."""
        self.merge_artifacts(inputs, exclude=[RECORD])
        self.next(self.evaluate)

    @card
    @card(type="blank", id="model_card")
    @store_step(hours=12, tries=2)
    @step
    @noted_step
    def evaluate(self) -> None:
        """Threshold from validation photos, scores on test photos, with intervals; the card."""
        from cards.data import show_label_errors
        from cards.report import show_card, show_evaluation

        from sparrow.pipeline.adopt import adopt_training
        from sparrow.pipeline.assess import assess_model
        from sparrow.pipeline.training_run import RunPlace

        self.evaluated_by = self.run_key  # the version that promote registers is this run's
        place = RunPlace(self.work_dir, self.run_key, self.best_values)
        self.trained = adopt_training(self.tuned, self.dataset, self.trained, place)
        work_dir, progress = self.work_dir, show_progress("evaluated")
        outcome = assess_model(self.settings, self.dataset, self.trained, work_dir, progress)
        self.evaluation, self.latency_ms = outcome.scored.evaluation, outcome.scored.latency_ms
        self.model_card, self.pictures = outcome.model_card, outcome.pictures
        show_card("model_card", self.model_card)
        show_evaluation(self.settings, outcome.scored, self.pictures)
        test = self.dataset.subset("test")
        show_label_errors(self.settings, outcome, test)
        print(*outcome.lines(), sep="\n")
        self.next(self.promote)

    @card
    @store_step(hours=6, tries=3)
    @step
    @user_facing_step
    def promote(self) -> None:
        """Candidate against champion on the same photos; the gate decides."""
        from cards.report import show_decision

        from sparrow.pipeline.release import EvaluatedModel, promote
        from sparrow.pipeline.trained_folder import MODEL, check_model_folder

        check_model_folder(self.work_dir)
        scores = self.trained, self.evaluation, self.latency_ms
        model = EvaluatedModel(self.work_dir / MODEL, self.evaluated_by, *scores)
        self.promotion = promote(self.settings, self.dataset, model, self.run_key, self.is_forced)
        print(self.promotion.decision["reason"])
        show_decision(self.promotion)
        self.next(self.bundle)

    @store_step(hours=1, tries=3)
    @step
    @user_facing_step
    def bundle(self) -> None:
        """A Bento of the champion."""
        from sparrow.pipeline.release import bundle

        self.bento = bundle(self.settings, self.promotion, self.work_dir)
        self.next(self.end)

    @card
    @store_step(hours=1, tries=2)
    @step
    @user_facing_step
    def end(self) -> None:
        """The run in one page, and where its time went."""
        from cards.report import show_report

        from sparrow.pipeline.run import end_run
        from sparrow.pipeline.run_report import Outcome, make_report

        outcome = Outcome(
            self.trained, self.evaluation, self.promotion, self.bento, self.model_card
        )
        # A version of None is only where there is no raw set.
        report = make_report(str(current.run_id), str(self.data_version), outcome)
        freed = end_run(self.settings, self.work_dir, report)
        show_report(report.document, self.pictures)
        print(*report.lines, *freed, run_times(self.work_dir, self.begun_at), sep="\n")


if __name__ == "__main__":
    # Metaflow starts a parallel step's other tasks with the first ``python`` it finds: this one.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    main(Train)
