"""Train a detector: check data, take in new data, split, explore, tune, train, evaluate, promote,
bundle.

    python flows/train.py run                                # the demo: offline, drawn photos
    python flows/train.py --config config configs/sparrow.yaml run --set training.epochs=20
    python flows/train.py resume                             # go on with what did not finish
    python flows/train.py --config config configs/own.yaml resume      # ... of this config's runs

Each step calls the library and keeps what it returns. Heavy libraries are imported where they are
used: each step is a process of its own, and torchvision alone takes seconds to import.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Found however it is started; and a clone runs without being installed.
sys.path[:0] = [str(HERE), *([str(ROOT)] if (ROOT / "sparrow").is_dir() else [])]

from user_name import settle_user_name  # noqa: E402

settle_user_name()

from command_line import main  # noqa: E402
from lineage import first_run  # noqa: E402
from metaflow import (  # noqa: E402
    Config,
    FlowSpec,
    Parameter,
    Run,
    card,
    current,
    parallel,
    project,
    step,
)
from user_errors import read_steps, time_table, user_facing_config, user_facing_step  # noqa: E402

import sparrow.telemetry  # noqa: E402
from sparrow.progress import show_progress  # noqa: E402

sparrow.telemetry.switch_off()


@project(name="sparrow")
class Train(FlowSpec):
    """From photos with boxes to a served champion."""

    config = Config(
        "config",
        default=str(ROOT / "configs" / "demo.yaml"),
        parser=user_facing_config,
        help="YAML file with the keys of sparrow/config/",
    )
    overrides = Parameter(
        "set", type=str, multiple=True, help="override a key: --set training.epochs=3 (repeatable)"
    )
    production = Parameter(
        "production", type=bool, is_flag=True, default=False, help="promote even if a gate fails"
    )

    @step
    @user_facing_step
    def start(self) -> None:
        """Settle the config, and draw the demo's photos where they are not there yet."""
        from sparrow.config import make_config, with_overrides
        from sparrow.pipeline.run_report import write_report
        from sparrow.pipeline.train import prepare_data
        from sparrow.storage.places import note_places
        from sparrow.storage.run_lock import join_run

        self.settings = with_overrides(make_config(self.config.to_dict()), self.overrides or ())
        # Stays the same when the run is resumed under another id, this step included.
        self.run_key = first_run(current.flow_name, current.run_id)
        self.work_dir = str(Path(self.settings.stores.runs) / self.run_key)
        self.study = f"{self.settings.name}-{self.run_key}"
        join_run(current.run_id, Path(self.work_dir))
        begun = {"run": current.run_id, "name": self.settings.name, "state": "unfinished"}
        write_report(Path(self.work_dir), begun | note_places(self.settings))
        prepare_data(self.settings, progress=show_progress("drawn"))
        self.next(self.check_data)

    @card
    @step
    @user_facing_step
    def check_data(self) -> None:
        """Every rule on every photo and row; a broken one stops the run with its rows."""
        from cards.data import show_check

        from sparrow.data.tables import data_version
        from sparrow.pipeline.data import check_raw

        self.data_pages = str(Path(self.work_dir) / "data")
        checked, page = check_raw(self.settings, Path(self.data_pages), show_progress("measured"))
        print(checked.report.summary())
        print(f"rows and photos: {page}")
        passed = checked.passed
        version = data_version(passed) if passed else "none"
        show_check(checked.report, len(passed.images) if passed else 0, version, page)
        checked.report.raise_for_errors()
        self.dataset = checked.dataset
        self.next(self.ingest)

    @card
    @step
    @user_facing_step
    def ingest(self) -> None:
        """Check ``data/new`` and merge it, all or nothing; compare it with what was there."""
        from cards.data import show_ingest

        from sparrow.pipeline.data import ingest_and_compare

        folder = Path(self.data_pages)
        outcome = ingest_and_compare(self.settings, self.dataset, folder, show_progress("measured"))
        result, self.dataset = outcome.result, outcome.dataset
        self.data_version = result.data_version
        show_ingest(outcome)
        print(f"{len(result.accepted)} new photos, {len(result.corrected)} corrected, "
              f"{result.skipped_known} known already")  # fmt: skip
        if outcome.comparison is not None:
            print(outcome.comparison.summary())
        print(f"data version {self.data_version}: {len(self.dataset.images)} photos, "
              f"{len(self.dataset.boxes)} boxes", *outcome.pages, sep="\n")  # fmt: skip
        self.next(self.split)

    @card
    @step
    @user_facing_step
    def split(self) -> None:
        """Train, validation, test; authors, near-duplicates and visits stay in one of them."""
        from cards.data import show_split

        from sparrow.data.split.assignments import load_assignments, save_assignments
        from sparrow.data.split.split import split_dataset
        from sparrow.pipeline.data import write_split_report

        result = split_dataset(
            self.dataset,
            self.settings.split,
            self.settings.data.near_duplicate_bits,
            self.settings.seed,
            load_assignments(self.dataset.root),
        )
        save_assignments(result.dataset)
        self.dataset, self.split_report = result.dataset, result.report
        comparison, page = write_split_report(self.settings, result, Path(self.data_pages))
        show_split(self.dataset, self.split_report, comparison, page)
        print(self.dataset.images["split"].value_counts().to_string())
        print(comparison.summary())
        print(f"split report: {page}")
        self.next(self.explore)

    @card
    @card(type="blank", id="dataset_card")
    @step
    @user_facing_step
    def explore(self) -> None:
        """The pictures that tell what the data is like, and its card."""
        from cards.report import show_card, show_pictures

        from sparrow.pipeline.cards import write_dataset_card
        from sparrow.reports.data_figures import contact_sheet_png, eda_figures, more_figures

        cards = Path(self.work_dir) / "cards"
        self.dataset_card = write_dataset_card(
            self.settings, self.dataset, self.split_report, cards
        )
        show_card("dataset_card", self.dataset_card, {})
        tables = self.dataset.images, self.dataset.boxes
        sheet = {"Contact sheet": contact_sheet_png(self.dataset)}
        show_pictures("The data", eda_figures(*tables) | more_figures(*tables) | sheet)
        self.workers = list(range(self.settings.tuning.workers))
        self.next(self.tune, foreach="workers")

    @step
    @user_facing_step
    def tune(self) -> None:
        """One worker's share of the study."""
        from sparrow.pipeline.train import tune

        tune(self.settings, self.study, self.dataset, _print_trial)
        self.next(self.gather)

    @step
    @user_facing_step
    def gather(self, inputs: list[Train]) -> None:
        """The study's workers are done. (A step that joins may not part again in Metaflow.)"""
        self.settings = inputs[0].settings  # equal everywhere, but not in its pickle's bytes
        self.merge_artifacts(inputs)
        self.next(self.choose)

    @card
    @step
    @user_facing_step
    def choose(self) -> None:
        """The best trial's values, and how the study came to them."""
        from cards.report import show_tuning

        self.best_values, trials, pictures = {}, [], {}
        if self.settings.tuning.trials:
            from sparrow.training.study_report import best_yaml, study_figures, trial_table
            from sparrow.training.tuning import best_values

            self.best_values = best_values(self.settings, self.study)
            trials = trial_table(self.settings, self.study)
            pictures = study_figures(self.settings, self.study)
            (Path(self.work_dir) / "best_params.yaml").write_text(best_yaml(self.best_values))
            print("best values:", self.best_values)
        show_tuning(trials, self.best_values, pictures)
        self.next(self.train, num_parallel=self.settings.training.world_size)

    @card(type="blank", id="training", refresh_interval=5)
    @parallel
    @step
    @user_facing_step
    def train(self) -> None:
        """Train with the best values, keep the best epoch, export the engine.

        With several processes each is a task; the first of them keeps, shows and exports.
        """
        from cards.live_training import show_helper, train_in_view

        from sparrow.pipeline.train import run_worker_rank
        from sparrow.training.distributed import set_rank_environment

        place = current.parallel
        set_rank_environment(place.node_index, place.num_nodes, place.main_ip, self.run_key)
        if place.node_index == 0:
            self.trained = train_in_view(
                self.settings, self.best_values, self.dataset, Path(self.work_dir), self.run_key
            )
        else:
            show_helper(place.node_index, place.num_nodes)
            run_worker_rank(self.settings, self.best_values, self.dataset, Path(self.work_dir))
        self.next(self.evaluate)

    @card
    @card(type="blank", id="model_card")
    @step
    @user_facing_step
    def evaluate(self, inputs: list[Train]) -> None:
        """Threshold from validation photos, scores on test photos, with intervals; the card."""
        from cards.data import show_label_errors
        from cards.report import show_card, show_evaluation

        from sparrow.pipeline.cards import log_evaluation, write_model_card
        from sparrow.pipeline.data import write_label_errors
        from sparrow.pipeline.evaluate import evaluate_model
        from sparrow.pipeline.train import reset_model_folder
        from sparrow.reports.evaluation_pictures import evaluation_pictures, mistake_pictures

        self.settings = inputs[0].settings
        self.merge_artifacts(inputs)
        folder, work_dir = Path(self.trained.folder), Path(self.work_dir)
        reset_model_folder(work_dir)
        scored = evaluate_model(self.settings, self.dataset, folder, show_progress("evaluated"))
        self.evaluation, self.latency_ms = scored.evaluation, scored.latency_ms
        curves = evaluation_pictures(self.settings, self.dataset, scored)
        self.model_card = write_model_card(self.settings, self.dataset, scored, folder, curves)
        show_card("model_card", self.model_card, curves)
        self.pictures = curves | mistake_pictures(self.settings, self.dataset, scored)
        log_evaluation(self.settings, self.trained, scored, self.pictures, work_dir / "cards")
        show_evaluation(self.settings, scored, self.pictures)
        test, pages = self.dataset.subset("test"), Path(self.data_pages) / "test"
        candidates, written = write_label_errors(
            self.settings, test, scored.detections, "This run's model", pages
        )
        show_label_errors(candidates, test, written)
        print(f"labels worth a second look: {len(candidates)}", *written)
        for name, one in self.evaluation.headline.items():
            print(f"{name:<18}{one.value:7.3f}   {one.low:.3f} to {one.high:.3f}")
        self.next(self.promote)

    @card
    @step
    @user_facing_step
    def promote(self) -> None:
        """Candidate against champion on the same photos; the gate decides."""
        from cards.report import show_decision

        from sparrow.pipeline.release import promote
        from sparrow.pipeline.train import check_model_folder

        check_model_folder(Path(self.work_dir))
        self.promotion = promote(
            self.settings,
            self.dataset,
            self.trained,
            self.evaluation,
            self.latency_ms,
            self.run_key,
            self.production,
        )
        print(self.promotion.decision["reason"])
        show_decision(self.promotion)
        self.next(self.bundle)

    @step
    @user_facing_step
    def bundle(self) -> None:
        """A Bento of the champion."""
        from sparrow.pipeline.release import bundle

        self.bento = bundle(self.settings, self.promotion)
        self.next(self.end)

    @card
    @step
    @user_facing_step
    def end(self) -> None:
        """The run in one page, and where its time went."""
        from cards.report import show_report

        from sparrow.pipeline.run_report import make_report, write_report
        from sparrow.storage.places import note_places, places_of
        from sparrow.storage.plan import keep_within_budget

        report = make_report(
            current.run_id,
            self.data_version,
            self.trained,
            self.evaluation,
            self.promotion,
            self.bento,
        )
        noted = {"name": self.settings.name, **note_places(self.settings)}
        write_report(Path(self.work_dir), report.values | noted)
        show_report("Training report", report.lines, self.evaluation, self.pictures)
        print("\n".join(report.lines))
        places = places_of(self.settings)
        for line in keep_within_budget(places, Path(self.work_dir)):
            print(line)
        began = Run(f"{current.flow_name}/{current.run_id}", _namespace_check=False).created_at
        steps = read_steps(Path(self.work_dir), current.run_id)
        print(time_table(steps, began.timestamp(), time.time()))


def _print_trial(_study: Any, trial: Any) -> None:
    score = "-" if trial.value is None else f"{trial.value:.3f}"
    print(f"trial {trial.number}: {trial.state.name.lower()}, score {score}, {trial.params}",
          flush=True)  # fmt: skip


if __name__ == "__main__":
    # Metaflow starts a parallel step's other tasks with the first ``python`` it finds: this one.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    main(Train)
