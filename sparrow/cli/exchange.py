"""``sparrow import`` and ``sparrow export``: photo sets of other programs, read and written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sparrow.data.formats import READERS, WRITERS


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both subcommands."""
    _register_import(subparsers)
    _register_export(subparsers)


def _register_import(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "import",
        help="take over photos and boxes from COCO, VOC, YOLO or CSV",
        description="Copy a set's photos and write its tables. The set itself is not touched.",
    )
    parser.add_argument("kind", choices=READERS)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the set to read")
    parser.add_argument("--into", type=Path, metavar="DIR", help="folder to make (data/raw)")
    for name in ("author", "source", "license"):
        parser.add_argument(
            f"--{name}", default="unknown", help=f"for photos whose {name} the set does not name"
        )
    parser.add_argument(
        "--new", action="store_true", help="into data/new, to be taken in by the next training run"
    )
    parser.set_defaults(func=import_set)


def _register_export(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "export",
        help="write photos and boxes as COCO, VOC, YOLO or CSV",
        description="Write the photos, their boxes and a NOTICE of authors and licences.",
    )
    parser.add_argument("kind", choices=WRITERS)
    parser.add_argument(
        "--from", dest="root", type=Path, default=Path("data/raw"), metavar="DIR",
        help="the set to write (data/raw)",
    )  # fmt: skip
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to make")
    parser.set_defaults(func=export_set)


def import_set(args: argparse.Namespace) -> int:
    """Import a set and print what was imported."""
    from sparrow.data.errors import DataError
    from sparrow.data.formats.exchange import Credits, import_dataset

    into = args.into or Path("data/new" if args.new else "data/raw")
    try:
        dataset = import_dataset(
            args.kind,
            args.folder,
            into,
            Credits(args.author, args.source, args.license),
            prefix="new_" if args.new else "",
        )
    except (DataError, OSError) as error:
        print(f"sparrow import: {error}", file=sys.stderr)
        return 1
    labels = ", ".join(sorted(dataset.boxes["label"].unique())) or "no class"
    print(f"{len(dataset.images)} photos with {len(dataset.boxes)} boxes ({labels}) in {into}")
    return 0


def export_set(args: argparse.Namespace) -> int:
    """Export a set and print what was exported."""
    from sparrow.data.errors import DataError
    from sparrow.data.formats.exchange import export_dataset, read_csv

    try:
        dataset = read_csv(args.root)
        export_dataset(args.kind, dataset, args.to)
    except (DataError, OSError) as error:
        print(f"sparrow export: {error}", file=sys.stderr)
        return 1
    print(f"{len(dataset.images)} photos with {len(dataset.boxes)} boxes in {args.to}")
    return 0
