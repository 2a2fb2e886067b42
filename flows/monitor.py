"""Watch the champion: its prediction log against its own reference.

    python flows/monitor.py run                                     # the champion's newest photos
    python flows/monitor.py run --set monitoring.window_days=7.0    # the last week
    python flows/monitor.py run --model-version 3                   # an earlier champion

Writes a folder below ``stores.monitoring``: ``index.html`` for people, ``report.html`` by
Evidently, ``verdict.json``. Every verdict is a line in ``alerts.jsonl`` there; drift also goes to
the address in the environment variable SPARROW_WEBHOOK, and starts a training where
``monitoring.on_drift`` says so, or is published as ``cluster.event``. Exit status: 0 ok, 3 drift,
4 too few photos to say, 1 when there is no verdict; the run's result ``exit_status`` holds it, too.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Found however it is started; and a clone runs without being installed.
sys.path[:0] = [str(HERE), *([str(ROOT)] if (ROOT / "sparrow").is_dir() else [])]

from user_name import settle_user_name

settle_user_name()

# Metaflow's stubs export none of its names.
from cluster import OnCluster, publish_event
from exit_status import leave_exit_status, run_with_exit_status
from metaflow import Config, FlowSpec, Parameter, card, current, project, step  # type: ignore[attr-defined]
from overrides import overrides_given
from user_errors import UserError, refuse_secrets, user_facing_config, user_facing_step

import monitoring  # noqa: F401 Metaflow packages what the flow imports
import sparrow.telemetry

if TYPE_CHECKING:
    import sparrow.config
    from monitoring.run import Observed
    from monitoring.verdict import DriftVerdict
    from sparrow.pipeline.shared_state import SharedState

sparrow.telemetry.switch_off()
READS_MODEL = ("start", "detect_drift", "report")


@OnCluster("monitor")
@project(name="sparrow")
class Monitor(FlowSpec):
    """From the prediction log to a verdict."""

    # What the steps hand on.
    settings: sparrow.config.Config
    verdict_at: datetime
    work_dir: str
    observed: Observed
    verdict: DriftVerdict
    response: str
    exit_status: int  # the process's own, which a scheduler's run does not have

    config = Config(
        "config",
        default=str(ROOT / "configs" / "demo.yaml"),
        parser=user_facing_config,
        help="YAML file with the keys of sparrow/config/",
    )
    # In a step, a parameter is its value; the stubs know neither that nor ``multiple``.
    overrides: tuple[str, ...] | None = Parameter(  # type: ignore[assignment]
        "set",
        type=str,
        default=(),  # type: ignore[arg-type]  # Airflow takes no parameter without one
        multiple=True,  # type: ignore[arg-type]
        callback=overrides_given,  # type: ignore[arg-type]
        help="override a key: --set monitoring.window_photos=500",
    )
    model_version: str | None = Parameter(  # type: ignore[assignment]
        "model-version", type=str, default="", help="a published version (default: the champion)"
    )

    @property
    def given_config(self) -> sparrow.config.Config:
        """The config of this run, overrides included."""
        from sparrow.config import make_config, with_overrides

        return with_overrides(make_config(self.config.to_dict()), self.overrides or ())

    def shared_state(self) -> SharedState:
        """What this step fetches before it begins, and publishes."""
        from sparrow.pipeline.shared_state import fetch_champion, monitoring_state

        if current.step_name in READS_MODEL:
            fetch_champion(self.given_config, self.model_version)
        work_dir = getattr(self, "work_dir", None)
        step, task = str(current.step_name), str(current.task_id)
        return monitoring_state(self.given_config, work_dir, step, task)

    @step
    @user_facing_step
    def start(self) -> None:
        """Read the window: the newest photos of the model version, within bounds."""
        from monitoring.run import observe_production

        self.settings = self.given_config
        self.verdict_at = datetime.now(UTC)
        name = f"{self.verdict_at:%Y-%m-%dT%H-%M-%S-%f}"
        self.work_dir = str(Path(self.settings.stores.monitoring) / name)
        self.observed = observe_production(self.settings, self.model_version or None)
        model, photos = self.observed.model, len(self.observed.window.photos)
        print(f"{model.name} version {model.version}: {self.observed.n_photos} photos in the "
              f"window, {photos} of them read")  # fmt: skip
        self.next(self.detect_drift)

    @step
    @user_facing_step
    def detect_drift(self) -> None:
        """Compare it with the model's own reference."""
        from monitoring.run import detect_drift

        self.verdict = detect_drift(self.settings, self.observed)
        print(self.verdict.reason)
        self.next(self.report)

    @card
    @step
    @user_facing_step
    def report(self) -> None:
        """The page for people, Evidently's report, the verdict as JSON."""
        from cards.monitor import show_verdict

        from monitoring.run import PAGE, write_report

        folder = Path(self.work_dir)
        write_report(self.settings, self.observed, self.verdict, self.verdict_at, folder)
        show_verdict(self.verdict, self.observed.trend, str(folder / PAGE))
        self.next(self.respond)

    @step
    @user_facing_step
    def respond(self) -> None:
        """Send the alerts, and start a training, or publish its event, where the config says so."""
        from monitoring.run import respond_to

        flow = HERE / "train.py"
        self.response = respond_to(self.settings, self.verdict, flow, publish_event).words
        self.next(self.end)

    @step
    @user_facing_step
    def end(self) -> None:
        """Repeat the verdict at the end of the output, and as exit status."""
        from sparrow.storage.places import places_of
        from sparrow.storage.plan import keep_within_budget

        print(f"{self.verdict.state.value}: {self.verdict.reason}")
        for change in self.verdict.drifted[1:]:
            print(f"  {change.words}")
        if self.response:
            print(self.response)
        print(f"page: {self.work_dir}/index.html")
        for line in keep_within_budget(places_of(self.settings)):
            print(line)
        self.exit_status = self.verdict.exit_code
        leave_exit_status(self.exit_status)


def main() -> None:
    """Run the flow; a run with a verdict exits with its status in place of Metaflow's 0."""
    if not {"run", "resume"} & set(sys.argv[1:]):
        Monitor()
        return
    try:
        refuse_secrets(sys.argv[1:])
    except UserError as error:
        print(f"{error.headline}: {error.message}", file=sys.stderr)
        sys.exit(1)
    run_with_exit_status(Monitor)


if __name__ == "__main__":
    main()
