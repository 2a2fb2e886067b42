"""``sparrow shadow``: what a registered version would change, before it is promoted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.cli.project import add_config_option, find_project
from sparrow.config import Config
from sparrow.progress import show_progress


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "shadow",
        help="what a version would change: champion and candidate on the same photos",
        description="Count photos with the champion and with a registered version, and write one "
        "page of what they disagree on, the worst first. Nothing is promoted.",
    )
    parser.add_argument("version", type=int, help="number of the registered version")
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO", help="files or folders")
    parser.add_argument("-r", "--recursive", action="store_true", help="folders in folders too")
    parser.add_argument(
        "--logged", action="store_true", help="the photos the service kept (service.keep_fraction)"
    )
    parser.add_argument(
        "--to", type=Path, default=Path("shadow.html"), metavar="FILE", help="page to write"
    )
    add_config_option(parser)
    parser.set_defaults(func=shadow)


def shadow(arguments: argparse.Namespace) -> int:
    """Replay, write the page, print its summary."""
    config = find_project(arguments.config)
    paths = _photos(arguments, config)
    from sparrow.inference.engine import Engine
    from sparrow.registry.registry import Registry
    from sparrow.registry.shadow import replay
    from sparrow.registry.versions import RegistryError
    from sparrow.reports.shadow import shadow_html

    registry = Registry(config.stores, config.name)
    champion = registry.champion()
    if champion is None:
        raise RegistryError(f"{config.name} has no champion to compare with")
    threads = config.training.threads
    old = Engine(registry.fetch(champion.number), threads)
    new = Engine(registry.fetch(arguments.version), threads)
    result = replay(old, new, paths, show_progress("counted", to=sys.stderr))
    before = f"version {champion.number}, threshold {old.info.threshold:.3f}"
    after = f"version {arguments.version}, threshold {new.info.threshold:.3f}"
    arguments.to.parent.mkdir(parents=True, exist_ok=True)
    page = shadow_html(result, config.name, before, after, _hidden(paths, config))
    write_atomic(arguments.to, page)
    print("\n".join([*result.summary(), f"Side by side: {arguments.to}"]))
    return 0


def _hidden(paths: list[Path], config: Config) -> set[Path]:
    """Photos of the data set whose licence is not among ``data.show_licenses``."""
    from sparrow.data.errors import DataError
    from sparrow.data.formats.csv import read_csv_tables

    licences, root = config.data.show_licenses, Path(config.data.root)
    if licences is None:
        return set()
    own = [path for path in paths if path.resolve().parent == (root / "images").resolve()]
    try:
        info = read_csv_tables(root)[0].reindex(columns=["Name", "License"])
    except DataError:
        return set(own)
    allowed = set(info["Name"][info["License"].isin(licences)])
    return {path for path in own if path.resolve().name not in allowed}


def _photos(arguments: argparse.Namespace, config: Config) -> list[Path]:
    from sparrow.cli.count_report import say_left_out
    from sparrow.inference.photo_files import find_photos

    named: list[Path] = []
    if arguments.photos:
        listing = find_photos(arguments.photos, recursive=arguments.recursive)
        say_left_out(listing)
        named = listing.photos
    if not arguments.logged and not named:
        raise ValueError("name photos or folders, or take those the service kept: --logged")
    kept: list[Path] = []
    if arguments.logged:
        folder = Path(config.service.keep_folder)
        kept = sorted(folder.glob("*.photo"))
        if not kept:
            raise ValueError(
                f"the service has kept no photo in {folder}; set service.keep_fraction above 0, or "
                "name photos"
            )
    return [*named, *kept]
