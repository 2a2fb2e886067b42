"""``sparrow evaluate``: any model folder on any set, with intervals."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.progress import show_progress

if TYPE_CHECKING:
    from sparrow import api
    from sparrow.evaluation.scored import Scored

MEANINGS = {
    "precision": "of what it finds, so much is right",
    "recall": "of what is there, it finds so much",
    "ap50": "average precision at IoU 0.5",
    "ap50_95": "average precision, mean over IoU 0.5 to 0.95",
    "count_mae": "mean absolute error of a photo's count",
    "count_bias": "found minus true, per photo",
    "count_exact": "photos whose count is exactly right",
    "false_count_empty": "found per photo that holds none",
}


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on a set of photos with boxes",
        description="Score a model folder on every photo of a set in the contract (images/ and two "
        "CSV tables; `sparrow import` makes one of COCO, VOC and YOLO), at the model's own "
        "threshold. Whether the model has seen these photos before, only you know.",
    )
    parser.add_argument("model", metavar="MODEL", help="champion, or a model folder")
    parser.add_argument("data", type=Path, metavar="DATA", help="the set's folder")
    parser.add_argument(
        "--classes", nargs="+", metavar="NAME", help="score these alone (default: the model's)"
    )
    parser.add_argument("--config", metavar="FILE", help="YAML of the project of `champion`")
    parser.add_argument("--json", action="store_true", help="print the whole evaluation as JSON")
    parser.set_defaults(func=evaluate)


def evaluate(args: argparse.Namespace) -> int:
    """Score and print."""
    from sparrow import api

    model = api.load(args.model, config=args.config)
    dataset = api.Dataset.read(args.data)
    scored = api.score(
        model, dataset, classes=args.classes, progress=show_progress("scored", to=sys.stderr)
    )
    if args.json:
        print(json.dumps(scored.evaluation.to_dict(), indent=1, allow_nan=False))
        return 0
    print("\n".join(report_lines(model, scored, args.classes)))
    return 0


def report_lines(model: api.Model, scored: Scored, classes: list[str] | None) -> list[str]:
    """What a person reads: on what, by which model, each number with its interval and meaning."""
    evaluation = scored.evaluation
    width = max(map(len, evaluation.headline))
    lines = [
        f"{model.info.name} version {model.version}, threshold {evaluation.threshold:.3f}, "
        f"classes {', '.join(classes or model.info.class_names)}",
        f"{evaluation.n_photos:,} photos in {evaluation.n_groups:,} groups; "
        f"data version {evaluation.data_version}",
        "",
    ]
    for name, interval in evaluation.headline.items():
        meaning = MEANINGS.get(name, "")
        values = f"{interval.value:7.3f}   {interval.low:.3f} to {interval.high:.3f}"
        lines.append(f"{name:<{width}}  {values:<28} {meaning}".rstrip())
    if evaluation.minimum_counts:
        lines += [
            "",
            f"In {evaluation.minimum_counts:,} photos it finds {model.info.max_objects}, the most "
            "it can: there may be more, and the measures of the count take them as so many.",
        ]
    lines += [
        "",
        f"Intervals: {evaluation.confidence:.0%}, bootstrap over groups. {evaluation.evidence}",
        f"One photo takes {scored.latency_ms:.0f} ms (median, {scored.at_once} at a time).",
    ]
    return lines
