"""``sparrow data …``: check, ingest, log, restore, download.

What reports is in ``data_reports``, what follows git in ``data_pins``.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.data_options import (
    Parsers,
    add_action,
    read_config,
    terminal_progress,
    with_classes_said,
)
from sparrow.cli.data_pins import add_pins
from sparrow.cli.data_reports import add_reports
from sparrow.config import Config

if TYPE_CHECKING:
    from sparrow.data.checks.report import RuleViolation
    from sparrow.data.comparison import Comparison
    from sparrow.data.tables import Dataset


def register(subparsers: Parsers) -> None:
    """Add ``data`` and its subcommands."""
    parser = subparsers.add_parser("data", help="check, ingest, explore and version the photos")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_check(actions)
    add_action(
        actions, "ingest", ingest, "take the new data into the raw set, all of it or nothing"
    )
    _add_versions(actions)
    add_pins(actions)
    add_reports(actions)


def _add_check(actions: Parsers) -> None:
    check = add_action(actions, "check", check_set, "check photos and tables by named rules")
    check.add_argument("--new", action="store_true", help="check data.new instead of data.root")
    check.add_argument("--html", type=Path, metavar="FILE", help="also a page with thumbnails")
    check.add_argument("--json", type=Path, metavar="FILE", help="also as JSON")
    check.add_argument(
        "--review", type=Path, metavar="FILE",
        help="also a page of label-error candidates: labels the champion disagrees with",
    )  # fmt: skip


def _add_versions(actions: Parsers) -> None:
    log = add_action(actions, "log", show_log, "list the versions of the raw set")
    log.add_argument("--json", action="store_true", help="print JSON")
    restore = add_action(actions, "restore", restore_set, "make an earlier version the current one")
    restore.add_argument("version", help="as in the log; its beginning is enough")
    download = add_action(
        actions, "download", download_set, "bring the house-sparrow set from Kaggle"
    )
    download.add_argument("--into", type=Path, metavar="DIR", help="folder to make (data.root)")
    download.add_argument("--archive", type=Path, metavar="ZIP", help="a file downloaded by hand")


def check_set(args: argparse.Namespace) -> int:
    """Check a set, print what was found, write reports; 1 where there is an error."""
    from sparrow.data.checks.label_errors import LABEL_ERROR
    from sparrow.data.checks.run import check_dataset
    from sparrow.reports.checks import report_html

    config = with_classes_said(read_config(args))
    root = Path(config.data.new if args.new else config.data.root)
    prefix = "new_" if args.new else ""
    checked = check_dataset(root, config.data, prefix, terminal_progress())
    report = checked.report
    if args.review and report.ok:
        violation = _label_errors(config, checked.dataset, prefix, args.review)
        report = report.extended(LABEL_ERROR, f"{report.photos:,} photos", violation)
    print(report.summary())
    if args.json:
        args.json.write_text(json.dumps(report.to_json(), indent=2), encoding="utf-8")
    if args.html:
        page = report_html(report, root, prefix, config.data.show_licenses)
        args.html.write_text(page, encoding="utf-8")
    return 0 if report.ok else 1


def _label_errors(
    config: Config, dataset: Dataset, prefix: str, page: Path
) -> RuleViolation | None:
    """Ask the champion about all photos, write the page of what it disagrees with."""
    from sparrow.data.checks.label_errors import label_error_candidates, label_error_violation
    from sparrow.data.checks.run import table_names
    from sparrow.inference.engine import Engine, detect_files
    from sparrow.reports.label_errors import label_errors_html

    engine = Engine(Path(config.stores.champion), config.training.threads)
    if set(engine.info.class_names) != set(config.data.classes):
        known, wanted = ", ".join(engine.info.class_names), ", ".join(config.data.classes)
        raise ValueError(f"--review: the champion finds {known}, the config names {wanted}")
    files = [(name, dataset.image_path(name)) for name in dataset.images["image"]]
    detections = detect_files(engine, files, terminal_progress("counted"))
    candidates = label_error_candidates(dataset, detections, config.data.label_error_score)
    shown = config.data.show_licenses
    text = label_errors_html(candidates, dataset, "The champion", shown)
    page.write_text(text, encoding="utf-8")
    return label_error_violation(candidates, table_names(prefix)[1])


def ingest(args: argparse.Namespace) -> int:
    """Take new data in and say what became of it."""
    from sparrow.data.drift import compare_new_with_raw
    from sparrow.data.ingest.ingest import ingest_new
    from sparrow.reports.checks import write_report

    config = with_classes_said(read_config(args))
    write = partial(write_report, licences=config.data.show_licenses)
    compared: list[Comparison] = []

    def compare(raw: Dataset, new: Dataset) -> None:
        compared.append(compare_new_with_raw(raw, new, config))
        compared[0].raise_for_violations()

    result = ingest_new(config.data, terminal_progress(), write, compare)
    first, *more = result.words()
    version = f"; data version {result.data_version}" if result.data_version else ""
    print(first + version, *more, sep="\n")
    print(*(comparison.summary() for comparison in compared), sep="\n")
    return 0


def show_log(args: argparse.Namespace) -> int:
    """One line per version, oldest first."""
    from sparrow.data.ingest.versions import read_log

    log = read_log(Path(read_config(args).data.root))
    if args.json:
        print(json.dumps(log, indent=2))
        return 0
    for line in log:
        kinds = ("added", "corrected", "removed")
        counts = [f"{len(line[kind]):,} {kind}" for kind in kinds if line[kind]]
        what = ", ".join([*counts, *filter(None, [line["note"]])])
        print(
            f"{line['version']}  {line['time']}  {line['user']}  {line['photos']:,} photos, "
            f"{line['boxes']:,} boxes ({what})"
        )
    if not log:
        print("no version is recorded yet; `sparrow data ingest` or a training run begins the log")
    return 0


def restore_set(args: argparse.Namespace) -> int:
    """Restore an earlier version."""
    from sparrow.data.ingest.versions import restore_version

    config = read_config(args)
    print(f"{config.data.root} is at {restore_version(config.data, args.version)} again")
    return 0


def download_set(args: argparse.Namespace) -> int:
    """Download, unpack and check the house-sparrow set."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.ingest.download import download_dataset

    config = read_config(args)
    root = download_dataset(args.into or Path(config.data.root), args.archive)
    report = check_dataset(root, config.data, progress=terminal_progress()).report
    print(report.summary())
    return 0 if report.ok else 1
