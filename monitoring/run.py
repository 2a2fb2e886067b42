"""What the steps of ``monitor.py`` do, without Metaflow: values in, values and files out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring.verdict import DriftVerdict, State
from sparrow.atomic_file import write_atomic
from sparrow.config import Config, with_values
from sparrow.config.checks import ComparisonRule

if TYPE_CHECKING:
    from monitoring.observation import MonitoredModel
    from monitoring.retraining import Response
    from monitoring.trend import TrendPoint
    from sparrow.predictions.window import Window

VERDICT, PAGE, REPORT = "verdict.json", "index.html", "report.html"
PAST_RUNS = 30  # shown
Publish = Callable[[str, Mapping[str, str]], str]
ACCEPTED: ComparisonRule = "new-drift"  # by a training that drift started


@dataclass(frozen=True, eq=False)
class Observed:
    """What was read of the log."""

    model: MonitoredModel
    window: Window
    n_photos: int  # in the window, read or not
    trend: list[TrendPoint]
    others: str  # what the log holds of other versions, in words
    set_aside: str = ""  # photos of the future or of another model, in words


def observe_production(config: Config, version: str | None) -> Observed:
    """Read the window and the trend of the champion, or of another published version."""
    from monitoring.observation import monitored_model, observe, open_log, other_versions
    from monitoring.trend import trend

    model = monitored_model(Path(config.stores.champion), version)
    with open_log(config.stores.prediction_log) as log:
        observation = observe(log, model, config.monitoring)
        return Observed(
            model=model,
            window=observation.window,
            n_photos=observation.n_photos,
            trend=trend(log, model),
            others=other_versions(log, model),
            set_aside=observation.set_aside,
        )


def detect_drift(config: Config, observed: Observed) -> DriftVerdict:
    """The verdict on the window, against the model's own reference."""
    from monitoring.drift_detector import DriftDetector
    from monitoring.messages import minimums_in_words
    from sparrow.predictions.window import minimums

    model = observed.model
    reference = model.reference()
    detector = DriftDetector(reference, config.monitoring, config.seed, model.classes)
    verdict = detector.detect_drift(observed.window)
    reason = verdict.reason
    if verdict.state == State.TOO_FEW and observed.others:
        reason = f"{reason} {observed.others}"
    minimum_counts = minimums_in_words(int(minimums(observed.window.photos).sum()))
    reason = " ".join(filter(None, [reason, observed.set_aside, minimum_counts]))
    return replace(verdict, model_name=model.name, model_version=model.version, reason=reason)


def write_report(
    config: Config, observed: Observed, verdict: DriftVerdict, verdict_at: datetime, folder: Path
) -> dict[str, Any]:
    """Evidently's report, the page for people, and ``verdict.json``, in this order.

    Returns:
        What ``verdict.json`` holds.
    """
    from monitoring.page import MonitoringReport, report_html

    folder.mkdir(parents=True, exist_ok=True)
    report = MonitoringReport(
        verdict=verdict,
        window=observed.window,
        n_photos=observed.n_photos,
        trend=observed.trend,
        past=past_verdicts(folder.parent, verdict.model_name),
        kept=Path(config.service.keep_folder),
        has_evidently_report=_write_evidently(config, observed, verdict, folder / REPORT),
        classes=observed.model.classes,
    )
    (folder / PAGE).write_text(report_html(report), encoding="utf-8")
    values = {
        **verdict.to_dict(),
        "judged_at": verdict_at.isoformat(timespec="seconds"),
        "photos_in_window": observed.n_photos,
    }
    write_atomic(folder / VERDICT, json.dumps(values, indent=1) + "\n")
    return values


def _write_evidently(config: Config, observed: Observed, verdict: DriftVerdict, path: Path) -> bool:
    """Whether Evidently's report was written."""
    from monitoring.columns import column_titles, columns_of_model, photo_table
    from monitoring.evidently_report import write_evidently_report

    columns, rate = columns_of_model(observed.model.classes), config.monitoring.false_alarm_rate
    windows = observed.model.reference(), observed.window
    reference, current = (photo_table(window, columns) for window in windows)
    names = column_titles(observed.window)
    try:
        return write_evidently_report(path, (reference, current), verdict, rate, names)
    except ValueError as error:  # the verdict does not depend on it, and must not be lost with it
        print(f"Evidently cannot draw its report of this window: {error}")
        return False


def respond_to(config: Config, verdict: DriftVerdict, flow: Path, publish: Publish) -> Response:
    """Start a training if that is due, or publish its event, and send the alerts.

    The training accepts that new photos differ from the raw set: that is why it is started.

    Args:
        flow: the training flow's file.
        publish: tells a cluster of the event that the config names, with parameters of the
            training; returns what went wrong.
    """
    from monitoring.alerts import alert
    from monitoring.retraining import Action, announce, respond

    home = Path(config.stores.monitoring)
    accept = list(dict.fromkeys([*config.checks.accept, ACCEPTED]))
    if config.cluster is not None and (event := config.cluster.event):
        parameters = {"set": json.dumps([f"checks.accept=[{', '.join(accept)}]"])}
        response = announce(verdict, config.monitoring, home, partial(publish, event, parameters))
    else:
        training = with_values(config, {"checks.accept": accept})
        settings = json.dumps(training.model_dump(mode="json"))
        train = [sys.executable, str(flow), "--config-value", "config", settings, "run"]
        response = respond(verdict, config.monitoring, home, train)
    if response.action in (Action.TRAIN, Action.PUBLISH):
        words = f"{response.words} It accepts {ACCEPTED}: drift is why it was started."
        response = replace(response, words=words)
    for fault in alert(verdict, response.words, home):
        print(fault, file=sys.stderr)
    return response


def past_verdicts(folder: Path, model_name: str) -> list[dict[str, Any]]:
    """Of earlier runs on this model, newest first."""
    files = sorted(folder.glob(f"*/{VERDICT}"), reverse=True)
    verdicts = [json.loads(path.read_text(encoding="utf-8")) for path in files[: 2 * PAST_RUNS]]
    return [values for values in verdicts if values["model_name"] == model_name][:PAST_RUNS]
