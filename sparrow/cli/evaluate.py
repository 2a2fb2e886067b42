"""``sparrow evaluate``: any model folder on any set, with intervals."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.evaluation.class_lines import confusion_lines
from sparrow.progress import show_progress

if TYPE_CHECKING:
    from sparrow import api
    from sparrow.evaluation.bootstrap import Interval
    from sparrow.evaluation.evaluate import Evaluation
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


def class_lines(evaluation: Evaluation) -> list[str]:
    """All numbers of each of several classes, and which is taken for which; none for one class."""
    lines = []
    for scores in evaluation.classes:
        if not scores.objects:
            lines += ["", f"{scores.name}: no photo shows it, so that only false ones are measured"]
        else:
            lines += [
                "",
                f"{scores.name}: {scores.objects:,} true boxes in {scores.photos:,} photos of "
                f"{scores.groups:,} groups",
            ]
        measured = {name: n for name, n in scores.scores.items() if not math.isnan(n.value)}
        lines += [f"  {line}" for line in _numbers(measured, {})]
    table = confusion_lines(evaluation.confusion)
    return [*lines, "", *table] if table else lines


def _numbers(scores: Mapping[str, Interval], meanings: Mapping[str, str]) -> list[str]:
    """A line a number: value, interval where there is one, meaning."""
    width = max(map(len, MEANINGS))
    lines = []
    for name, number in scores.items():
        interval = "" if math.isnan(number.low) else f"{number.low:.3f} to {number.high:.3f}"
        values = f"{number.value:7.3f}   {interval}"
        lines.append(f"{name:<{width}}  {values:<28} {meanings.get(name, '')}".rstrip())
    return lines


def report_lines(model: api.Model, scored: Scored, classes: list[str] | None) -> list[str]:
    """What a person reads: on what, by which model, each number with its interval and meaning."""
    evaluation = scored.evaluation
    lines = [
        f"{model.info.name} version {model.version}, threshold {evaluation.threshold:.3f}, "
        f"classes {', '.join(classes or model.info.class_names)}",
        f"{evaluation.n_photos:,} photos in {evaluation.n_groups:,} groups; "
        f"data version {evaluation.data_version}",
        "",
    ]
    lines += _numbers(evaluation.headline, MEANINGS)
    lines += class_lines(evaluation)
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
