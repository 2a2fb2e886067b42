"""``sparrow status``: last run, champion and disk use, from files alone (no MLflow, no torch)."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparrow.cli.project import add_stores_option, find_places
from sparrow.config import StoresConfig
from sparrow.evaluation.class_lines import class_table
from sparrow.evaluation.class_scores import CLASS_SCORES
from sparrow.inference.model_folder import read_info
from sparrow.served_settings import registered_version
from sparrow.shipped import flow_command
from sparrow.storage.places import Use, in_words, measure_use
from sparrow.storage.run_lock import is_under_way


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("status", help="last training run, champion, disk use")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    add_stores_option(parser)
    parser.set_defaults(func=show_status)


def show_status(arguments: argparse.Namespace) -> int:
    """Print the status; exit status 1 when nothing has run yet."""
    places = find_places(arguments.config)
    status, uses = collect_status(places.stores), measure_use(places)
    if arguments.json:
        print(json.dumps({**status, "room": [asdict(use) for use in uses]}, indent=1))
    else:
        print("\n".join([*describe(status), *describe_uses(uses)]))
    return 0 if status["run"] else 1


def collect_status(stores: StoresConfig) -> dict[str, Any]:
    """``run``: the newest run's report, or None; ``champion``: what serves, or None."""
    reports = sorted(Path(stores.runs).glob("*/report.json"), key=lambda p: p.stat().st_mtime)
    run = json.loads(reports[-1].read_text(encoding="utf-8")) if reports else None
    if run and run["state"] != "finished" and is_under_way(reports[-1].parent):
        run["state"] = "under way"
    champion = None
    published = Path(stores.champion)
    if published.exists():
        info = read_info(published)
        version = registered_version(published)
        champion = {
            "version": int(version) if version.isdigit() else None,
            "name": info.name,
            "threshold": info.threshold,
            "data_version": info.data_version,
            "trained_at": info.trained_at,
            "metrics": info.metrics,
            "starter": info.starter.network if info.starter else None,
        }
    return {"run": run, "champion": champion}


def describe(status: dict[str, Any]) -> list[str]:
    """The status in lines for people."""
    run, champion = status["run"], status["champion"]
    if run is None:
        lines = [f"No run yet. Start one: {flow_command('train')} run"]
    elif run["state"] == "under way":
        lines = [f"Run {run['run']} is under way"]
    elif run["state"] != "finished":
        lines = [f"Run {run['run']} did not finish; go on with: {flow_command('train')} resume"]
    else:
        lines = [
            f"Run {run['run']} on data version {run['data_version']}",
            *(
                f"  {name:<18}{_number(value)}   {_number(low)} to {_number(high)}"
                for name, (value, low, high) in run["metrics"].items()
            ),
            *(f"  {line}" for line in class_table(run.get(CLASS_SCORES, []))),
            f"Decision: {run['decision']['reason']}",
            f"Bento: {run['bento'] or 'none'}",
        ]
    if champion is None:
        return [*lines, "Champion: none"]
    return [
        *lines,
        f"Champion: {champion['name']} version {champion['version'] or 'unknown'}, threshold "
        f"{champion['threshold']:.3f}, {_origin(champion)}",
        *_champions_classes(champion, run),
    ]


def _champions_classes(champion: dict[str, Any], run: dict[str, Any] | None) -> list[str]:
    """The champion's scores by class, where they are not those of the run above."""
    classes = champion["metrics"].get(CLASS_SCORES, [])
    if run and classes == run.get(CLASS_SCORES):
        return []
    return [f"  {line}" for line in class_table(classes)]


def _origin(champion: dict[str, Any]) -> str:
    if champion["starter"] is None:
        return f"trained {champion['trained_at']}"
    return f"a starter ({champion['starter']}), not evaluated, made {champion['trained_at']}"


def describe_uses(uses: list[Use]) -> list[str]:
    """Disk use by kind and its budget, in lines for people."""
    lines = ["Disk use:"]
    for use in uses:
        budget = "no budget" if use.budget_bytes is None else f"of {in_words(use.budget_bytes)}"
        lines.append(f"  {use.what:<18}{in_words(use.n_bytes):>9} {budget:<12} {use.place}")
    over = [use.what for use in uses if use.budget_bytes and use.n_bytes > use.budget_bytes]
    hint = f"over budget: {', '.join(over)}; " if over else ""
    return [*lines, f"  {hint}what could go: sparrow clean"]


def _number(value: float | None) -> str:
    return "      –" if value is None else f"{value:7.3f}"
