"""``sparrow data …``: check, ingest, log, restore, download, explore, split-report, drift."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sparrow.config import Config, load_config
from sparrow.progress import Progress, show_progress
from sparrow.shipped import default_config

if TYPE_CHECKING:
    from sparrow.data.checks.report import RuleViolation
    from sparrow.data.split.split import SplitResult
    from sparrow.data.tables import Dataset

Handler = Callable[[argparse.Namespace], int]
Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # generic in stubs only


def register(subparsers: Parsers) -> None:
    """Add ``data`` and its subcommands."""
    parser = subparsers.add_parser("data", help="check, ingest, explore and version the photos")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_check(actions)
    _add(actions, "ingest", ingest, "take the new data into the raw set, all of it or nothing")
    _add_versions(actions)
    _add_reports(actions)


def _add_check(actions: Parsers) -> None:
    check = _add(actions, "check", check_set, "check photos and tables by named rules")
    check.add_argument("--new", action="store_true", help="check data.new instead of data.root")
    check.add_argument("--html", type=Path, metavar="FILE", help="also a page with thumbnails")
    check.add_argument("--json", type=Path, metavar="FILE", help="also as JSON")
    check.add_argument(
        "--review", type=Path, metavar="FILE",
        help="also a page of label-error candidates: labels the champion disagrees with",
    )  # fmt: skip


def _add_versions(actions: Parsers) -> None:
    log = _add(actions, "log", show_log, "list the versions of the raw set")
    log.add_argument("--json", action="store_true", help="print JSON")
    restore = _add(actions, "restore", restore_set, "make an earlier version the current one")
    restore.add_argument("version", help="as in the log; its beginning is enough")
    download = _add(actions, "download", download_set, "bring the house-sparrow set from Kaggle")
    download.add_argument("--into", type=Path, metavar="DIR", help="folder to make (data.root)")
    download.add_argument("--archive", type=Path, metavar="ZIP", help="a file downloaded by hand")


def _add_reports(actions: Parsers) -> None:
    explore = _add(actions, "explore", explore_set, "write a page of figures and photos")
    explore.add_argument("--to", type=Path, default=Path("explore.html"), metavar="FILE")
    report = _add(actions, "split-report", report_on_split, "split the set and report on the split")
    report.add_argument("--to", type=Path, default=Path("split-report.html"), metavar="FILE")
    old = actions.add_parser("certificate")  # without a help it is in no list
    for option in ("--config", "--set", "--to"):
        old.add_argument(option)
    old.set_defaults(func=refuse_certificate)
    drift = _add(actions, "drift", compare, "compare new data with raw, or test with train")
    drift.add_argument(
        "--new", action="store_true", help="new against raw; else test against train"
    )
    drift.add_argument("--html", type=Path, metavar="DIR", help="also Evidently's pages")


def _add(actions: Parsers, name: str, handler: Handler, help: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.add_argument("--config", type=Path, default=default_config(), metavar="FILE")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="override a key of the config, such as data.root=photos",
    )  # fmt: skip
    parser.set_defaults(func=handler)
    return parser


def check_set(args: argparse.Namespace) -> int:
    """Check a set, print what was found, write reports; 1 where there is an error."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.reports.checks import report_html

    config = _config(args)
    root = Path(config.data.new if args.new else config.data.root)
    prefix = "new_" if args.new else ""
    checked = check_dataset(root, config.data, prefix, _progress())
    report = checked.report
    if args.review and report.ok:
        report = report.extended(_label_errors(config, checked.dataset, prefix, args.review))
    print(report.summary())
    if args.json:
        args.json.write_text(json.dumps(report.to_json(), indent=2), encoding="utf-8")
    if args.html:
        args.html.write_text(report_html(report, root, prefix), encoding="utf-8")
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
    if engine.info.class_names != config.data.classes:
        found, wanted = ", ".join(engine.info.class_names), ", ".join(config.data.classes)
        raise ValueError(f"--review: the champion finds {found}, the config names {wanted}")
    files = [(name, dataset.image_path(name)) for name in dataset.images["image"]]
    detections = detect_files(engine, files, _progress("counted"))
    candidates = label_error_candidates(dataset, detections, config.data.label_error_score)
    page.write_text(label_errors_html(candidates, dataset, "The champion"), encoding="utf-8")
    return label_error_violation(candidates, table_names(prefix)[1])


def ingest(args: argparse.Namespace) -> int:
    """Take new data in and say what became of it."""
    from sparrow.data.ingest.ingest import ingest_new
    from sparrow.reports.checks import write_report

    result = ingest_new(_config(args).data, _progress(), write_report)
    print(
        f"{len(result.accepted)} photos taken in, {len(result.corrected)} corrected, "
        f"{result.skipped_known} known already"
        + (f"; data version {result.data_version}" if result.data_version else "")
    )
    return 0


def show_log(args: argparse.Namespace) -> int:
    """One line per version, oldest first."""
    from sparrow.data.ingest.versions import read_log

    log = read_log(Path(_config(args).data.root))
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

    config = _config(args)
    print(f"{config.data.root} is at {restore_version(config.data, args.version)} again")
    return 0


def download_set(args: argparse.Namespace) -> int:
    """Download, unpack and check the house-sparrow set."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.ingest.download import download_dataset

    config = _config(args)
    root = download_dataset(args.into or Path(config.data.root), args.archive)
    report = check_dataset(root, config.data, progress=_progress()).report
    print(report.summary())
    return 0 if report.ok else 1


def explore_set(args: argparse.Namespace) -> int:
    """Write the page of figures."""
    from sparrow.reports.data_pages import explore_html

    dataset = _raw(_config(args))
    args.to.write_text(explore_html(dataset), encoding="utf-8")
    print(args.to)
    return 0


def report_on_split(args: argparse.Namespace) -> int:
    """Split as the flow does and write the split report; 1 where a group crosses the split."""
    from sparrow.data.split.report import split_verdict
    from sparrow.reports.data_pages import split_report_html

    config = _config(args)
    result = _split(config, _raw(config))
    args.to.write_text(split_report_html(result.report, result.dataset), encoding="utf-8")
    for name, part in result.report["splits"].items():
        print(f"{name}: {part['photos']:,} photos, {part['boxes']:,} boxes")
    whole, words = split_verdict(result.report)
    print(words, f"What the test scores rest on: {result.report['evidence']}.", sep="\n")
    print(args.to)
    return 0 if whole else 1


def refuse_certificate(args: argparse.Namespace) -> int:
    """The old name of ``split-report``.

    Raises:
        ValueError: always; it names the new one.
    """
    raise ValueError("`sparrow data certificate` is called `sparrow data split-report` now")


def compare(args: argparse.Namespace) -> int:
    """Compare two sets; 1 where they drifted or share what they must not."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.drift import compare_new_with_raw, compare_train_with_test

    config = _config(args)
    bits, raw = config.data.near_duplicate_bits, _raw(config)
    if args.new:
        new = check_dataset(Path(config.data.new), config.data, "new_", _progress()).dataset
        comparison = compare_new_with_raw(raw, new, bits)
    else:
        split = _split(config, raw)
        parted = split.report.get("authors_parted_by_day", False)
        comparison = compare_train_with_test(
            split.dataset, bits, config.split, authors_parted=parted
        )
    print(comparison.summary())
    if args.html:
        args.html.mkdir(parents=True, exist_ok=True)
        for title, text in comparison.html.items():
            (args.html / f"drift_{title}.html").write_text(text, encoding="utf-8")
    return 1 if comparison.verdict == "drift" or comparison.problems else 0


def _raw(config: Config) -> Dataset:
    from sparrow.data.checks.run import check_dataset

    return check_dataset(Path(config.data.root), config.data, progress=_progress()).dataset


def _split(config: Config, dataset: Dataset) -> SplitResult:
    """The set, split as the flow splits it."""
    from sparrow.data.split.assignments import load_assignments
    from sparrow.data.split.split import split_dataset

    bits, assignments = config.data.near_duplicate_bits, load_assignments(dataset.root)
    return split_dataset(dataset, config.split, bits, config.seed, assignments)


def _config(args: argparse.Namespace) -> Config:
    return load_config(args.config, args.overrides)


def _progress(verb: str = "measured") -> Progress:
    """A bar on the terminal; nothing where the output is a file."""
    return show_progress(verb, to=sys.stderr, lines=False)
