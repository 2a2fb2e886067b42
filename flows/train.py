"""Train a detector: from photos with boxes to a Bento of the champion, a step after the other.

    python flows/train.py run                                # the demo: offline, drawn photos
    python flows/train.py --config config configs/sparrow.yaml run --set training.epochs=20
    python flows/train.py resume                             # continue what did not finish

Each step calls the library and keeps what it returns. The library imports heavy packages inside its
functions: each step is a process of its own, and torchvision alone takes seconds to import.
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

from command_line import main
from lineage import first_run
from metaflow import Config, FlowSpec, Parameter, card, current, parallel, project, step  # type: ignore[attr-defined]
from user_errors import run_times, user_facing_config, user_facing_step

import sparrow.telemetry

sparrow.telemetry.switch_off()

import cards.data as data_cards
import cards.report as report_cards
from cards.live_training import show_worker_rank, train_in_view

from sparrow.config import make_config, with_overrides
from sparrow.data.tables import data_version
from sparrow.pipeline.assess import assess_model
from sparrow.pipeline.data import check_raw, ingest_and_compare
from sparrow.pipeline.explore import explore_data
from sparrow.pipeline.release import EvaluatedModel, bundle, promote
from sparrow.pipeline.run import begin_run, end_run
from sparrow.pipeline.run_report import Outcome, make_report
from sparrow.pipeline.split import split_photos
from sparrow.pipeline.train import RunPlace, run_worker_rank
from sparrow.pipeline.trained_folder import check_model_folder
from sparrow.pipeline.tuning import choose_best, tune
from sparrow.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaflow.datastore.inputs import Inputs


@project(name="sparrow")
class Train(FlowSpec):
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
        multiple=True,  # type: ignore[arg-type]
    )  # fmt: skip
    production: bool = Parameter(  # type: ignore[assignment]
        "production", type=bool, default=False, help="promote even if a gate fails",
        is_flag=True,  # type: ignore[arg-type]
    )  # fmt: skip

    @step
    @user_facing_step
    def start(self) -> None:
        """Settle the config, and draw the demo's photos where they are not there yet."""
        self.settings = with_overrides(make_config(self.config.to_dict()), self.overrides or ())
        # Stays the same when the run is resumed under another id, this step included.
        self.run_key = first_run(str(current.flow_name), str(current.run_id))
        self.work_dir = str(Path(self.settings.stores.runs) / self.run_key)
        self.data_pages = str(Path(self.work_dir) / "data")
        self.study = f"{self.settings.name}-{self.run_key}"
        begin_run(self.settings, Path(self.work_dir), str(current.run_id), show_progress("drawn"))
        self.next(self.check_data)

    @card
    @step
    @user_facing_step
    def check_data(self) -> None:
        """Every rule on every photo and row; a broken one stops the run with its rows."""
        checked, page = check_raw(self.settings, Path(self.data_pages), show_progress("measured"))
        print(checked.report.summary(), f"rows and photos: {page}", sep="\n")
        passed = checked.passed
        version = data_version(passed) if passed else "none"
        data_cards.show_check(checked.report, len(passed.images) if passed else 0, version, page)
        checked.report.raise_for_errors()
        self.dataset = checked.dataset
        self.next(self.ingest)

    @card
    @step
    @user_facing_step
    def ingest(self) -> None:
        """Check ``data/new`` and merge it, all or nothing; compare it with what was there."""
        folder, progress = Path(self.data_pages), show_progress("measured")
        outcome = ingest_and_compare(self.settings, self.dataset, folder, progress)
        self.dataset, self.data_version = outcome.dataset, outcome.result.data_version
        data_cards.show_ingest(outcome)
        print(*outcome.lines(), sep="\n")
        self.next(self.split)

    @card
    @step
    @user_facing_step
    def split(self) -> None:
        """Train, validation, test; authors, near-duplicates and visits stay in one of them."""
        outcome = split_photos(self.settings, self.dataset, Path(self.data_pages))
        self.dataset, self.split_report = outcome.result.dataset, outcome.result.report
        data_cards.show_split(self.dataset, self.split_report, outcome.comparison, outcome.page)
        print(*outcome.lines(), sep="\n")
        self.next(self.explore)

    @card
    @card(type="blank", id="dataset_card")
    @step
    @user_facing_step
    def explore(self) -> None:
        """The pictures that tell what the data is like, and its card."""
        self.dataset_card, pictures = explore_data(
            self.settings, self.dataset, self.split_report, Path(self.work_dir)
        )
        report_cards.show_card("dataset_card", self.dataset_card, {})
        report_cards.show_pictures("The data", pictures)
        self.workers = list(range(self.settings.tuning.workers))
        self.next(self.tune, foreach="workers")

    @step
    @user_facing_step
    def tune(self) -> None:
        """One worker's share of the study."""
        tune(self.settings, self.study, self.dataset, partial(print, flush=True))
        self.next(self.gather)

    @step
    @user_facing_step
    def gather(self, inputs: Inputs) -> None:
        """The study's workers are done. (A step that joins may not part again in Metaflow.)"""
        self.settings = inputs[0].settings  # equal everywhere, but not in its pickle's bytes
        self.merge_artifacts(inputs)
        self.next(self.choose)

    @card
    @step
    @user_facing_step
    def choose(self) -> None:
        """The config with the best trial's values, and how the study came to them."""
        outcome = choose_best(self.settings, self.study, Path(self.work_dir))
        self.tuned, self.best_values = outcome.tuned, outcome.best_values
        if outcome.trials:
            print("best values:", self.best_values)
        report_cards.show_tuning(outcome.trials, self.best_values, outcome.pictures)
        self.next(self.train, num_parallel=self.settings.training.world_size)

    @card(type="blank", id="training", refresh_interval=5)
    @parallel
    @step
    @user_facing_step
    def train(self) -> None:
        """Train with the tuned config, keep the best epoch, export the engine.

        With several processes each is a task; the first of them keeps, shows and exports.
        """
        from sparrow.training.distributed import set_rank_environment

        place = current.parallel  # type: ignore[attr-defined]  # from @parallel, which has no stub
        rank, size = place.node_index, place.num_nodes
        set_rank_environment(rank, size, place.main_ip, self.run_key)
        if rank == 0:
            run_place = RunPlace(Path(self.work_dir), self.run_key, self.best_values)
            self.trained = train_in_view(self.tuned, self.dataset, run_place)
        else:
            show_worker_rank(rank, size)
            run_worker_rank(self.tuned, self.dataset, Path(self.work_dir))
        self.next(self.evaluate)

    @card
    @card(type="blank", id="model_card")
    @step
    @user_facing_step
    def evaluate(self, inputs: Inputs) -> None:
        """Threshold from validation photos, scores on test photos, with intervals; the card."""
        self.settings, self.tuned = inputs[0].settings, inputs[0].tuned
        self.merge_artifacts(inputs)
        work_dir, progress = Path(self.work_dir), show_progress("evaluated")
        outcome = assess_model(self.settings, self.dataset, self.trained, work_dir, progress)
        self.evaluation, self.latency_ms = outcome.scored.evaluation, outcome.scored.latency_ms
        self.model_card, self.pictures = outcome.model_card, outcome.pictures
        report_cards.show_card("model_card", self.model_card, outcome.curves)
        report_cards.show_evaluation(self.settings, outcome.scored, self.pictures)
        test = self.dataset.subset("test")
        data_cards.show_label_errors(outcome.label_errors, test, outcome.label_error_pages)
        print(*outcome.lines(), sep="\n")
        self.next(self.promote)

    @card
    @step
    @user_facing_step
    def promote(self) -> None:
        """Candidate against champion on the same photos; the gate decides."""
        check_model_folder(Path(self.work_dir))
        model = EvaluatedModel(self.trained, self.evaluation, self.latency_ms)
        self.promotion = promote(self.settings, self.dataset, model, self.run_key, self.production)
        print(self.promotion.decision["reason"])
        report_cards.show_decision(self.promotion)
        self.next(self.bundle)

    @step
    @user_facing_step
    def bundle(self) -> None:
        """A Bento of the champion."""
        self.bento = bundle(self.settings, self.promotion)
        self.next(self.end)

    @card
    @step
    @user_facing_step
    def end(self) -> None:
        """The run in one page, and where its time went."""
        outcome = Outcome(self.trained, self.evaluation, self.promotion, self.bento)
        # A version of None is only where there is no raw set.
        report = make_report(str(current.run_id), str(self.data_version), outcome)
        freed = end_run(self.settings, Path(self.work_dir), report)
        report_cards.show_report("Training report", report.lines, self.evaluation, self.pictures)
        print(*report.lines, *freed, run_times(Path(self.work_dir)), sep="\n")


if __name__ == "__main__":
    # Metaflow starts a parallel step's other tasks with the first ``python`` it finds: this one.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    main(Train)
