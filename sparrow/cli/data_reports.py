"""The actions of ``sparrow data`` that only report: explore, split-report, drift."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.data_options import (
    Parsers,
    add_action,
    read_config,
    terminal_progress,
    with_classes_said,
)
from sparrow.config import Config

if TYPE_CHECKING:
    from sparrow.data.split.split import SplitResult
    from sparrow.data.tables import Dataset


def add_reports(actions: Parsers) -> None:
    """Add the three actions, and the old name of one of them."""
    explore = add_action(actions, "explore", explore_set, "write a page of figures and photos")
    explore.add_argument("--to", type=Path, default=Path("explore.html"), metavar="FILE")
    report = add_action(
        actions, "split-report", report_on_split, "split the set and report on the split"
    )
    report.add_argument("--to", type=Path, default=Path("split-report.html"), metavar="FILE")
    old = actions.add_parser("certificate")  # without a help it is in no list
    for option in ("--config", "--set", "--to"):
        old.add_argument(option)
    old.set_defaults(func=refuse_certificate)
    drift = add_action(actions, "drift", compare, "compare new data with raw, or test with train")
    drift.add_argument(
        "--new", action="store_true", help="new against raw; else test against train"
    )
    drift.add_argument(
        "--html", type=Path, metavar="DIR", help="also pages: the rules, and Evidently's"
    )


def explore_set(args: argparse.Namespace) -> int:
    """Write the page of figures."""
    from sparrow.reports.data_pages import explore_html

    config = with_classes_said(read_config(args))
    page = explore_html(_raw(config), config.data.show_licenses)
    args.to.write_text(page, encoding="utf-8")
    print(args.to)
    return 0


def report_on_split(args: argparse.Namespace) -> int:
    """Split as the flow does and write the split report; 1 where the flow would end there."""
    from sparrow.data.split.class_words import class_lines
    from sparrow.data.split.report import split_verdict
    from sparrow.pipeline.data import compare_splits
    from sparrow.reports.data_pages import split_report_html

    config = with_classes_said(read_config(args))
    result, comparison = compare_splits(config, _split(config, _raw(config)))
    page = split_report_html(result.report, result.dataset, config.data.show_licenses)
    args.to.write_text(page, encoding="utf-8")
    for name, part in result.report["splits"].items():
        print(f"{name}: {part['photos']:,} photos, {part['boxes']:,} boxes")
    whole, words = split_verdict(result.report)
    print(words, f"What the test scores rest on: {result.report['evidence']}.", sep="\n")
    print(*class_lines(result.report["classes"]), sep="\n")
    print(*(f"warning: {line}" for line in result.report["class_warnings"]), sep="\n")
    print(comparison.summary(), args.to, sep="\n")
    return 0 if whole and not comparison.failed else 1


def refuse_certificate(args: argparse.Namespace) -> int:
    """The old name of ``split-report``.

    Raises:
        ValueError: always; it names the new one.
    """
    raise ValueError("`sparrow data certificate` is called `sparrow data split-report` now")


def compare(args: argparse.Namespace) -> int:
    """Compare two sets as the flow does; 1 where the flow would end there."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.drift import compare_new_with_raw
    from sparrow.pipeline.data import compare_splits, write_comparison

    config = with_classes_said(read_config(args))
    raw = _raw(config)
    if args.new:
        new = check_dataset(Path(config.data.new), config.data, "new_", terminal_progress()).dataset
        comparison = compare_new_with_raw(raw, new, config)
    else:
        comparison = compare_splits(config, _split(config, raw))[1]
    print(comparison.summary())
    if args.html:
        print(*write_comparison(comparison, args.html), sep="\n")
    if comparison.failed:
        print(comparison.how_to_accept())
    return 1 if comparison.failed else 0


def _raw(config: Config) -> Dataset:
    from sparrow.data.checks.run import check_dataset

    return check_dataset(Path(config.data.root), config.data, progress=terminal_progress()).dataset


def _split(config: Config, dataset: Dataset) -> SplitResult:
    """The set, split as the flow splits it."""
    from sparrow.data.split.assignments import load_assignments
    from sparrow.data.split.split import split_dataset

    bits, assignments = config.data.near_duplicate_bits, load_assignments(dataset.root)
    return split_dataset(dataset, config.split, bits, config.seed, assignments)
