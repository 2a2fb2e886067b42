"""``sparrow import``: take over a set that another program wrote, and say what became of it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.data_options import Parsers, terminal_progress
from sparrow.data.formats import READERS

if TYPE_CHECKING:
    from sparrow.data.formats.import_report import ImportOptions
    from sparrow.data.formats.imports import Target


def register(subparsers: Parsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "import",
        help="take over photos and boxes of other programs, as they are on the disk",
        description="Copy a set's photos and write its tables. The set itself is not touched.",
    )
    parser.add_argument(
        "kind", nargs="?", choices=READERS, help="the format; it is recognised where it is left out"
    )
    parser.add_argument(
        "source", type=Path, metavar="DIR", help="the set: a folder, a zip file, or its label file"
    )
    parser.add_argument("--into", type=Path, metavar="DIR", help="folder to make (data/raw)")
    for name in ("author", "source", "license"):
        parser.add_argument(
            f"--{name}", dest=f"of_{name}", default="unknown",
            help=f"for photos whose {name} the set does not name",
        )  # fmt: skip
    parser.add_argument(
        "--new", action="store_true", help="into data/new, to be taken in by the next training run"
    )
    _add_decisions(parser)
    parser.set_defaults(func=import_photos)


def _add_decisions(parser: argparse.ArgumentParser) -> None:
    """What a person decides where the set leaves it open."""
    parser.add_argument(
        "--unlabelled", choices=("empty", "skip"), default="refuse",
        help="photos that no label file describes: without objects, or left out (an error)",
    )  # fmt: skip
    parser.add_argument(
        "--missing", choices=("skip",), default="refuse",
        help="labels of photos that are not there: left out (an error)",
    )  # fmt: skip
    parser.add_argument(
        "--crowd", choices=("use", "skip"), default="use", help="boxes around groups (use)"
    )
    parser.add_argument(
        "--boxes-on", choices=("upright", "stored"),
        help="the pixels that boxes of photos turned by EXIF were drawn on, where no stated size "
        "shows it (upright)",
    )  # fmt: skip
    parser.add_argument(
        "--class", dest="label", default="", metavar="NAME",
        help="the class of all boxes, where a table has no column for it",
    )  # fmt: skip
    parser.add_argument(
        "--class-attribute", default="", metavar="NAME",
        help="which attribute of VIA's regions is their class, where there are several",
    )  # fmt: skip
    parser.add_argument(
        "--cameras", choices=("folders", "none"), default="folders",
        help="whether folders that tell photos apart are taken for their cameras (folders)",
    )  # fmt: skip


def import_photos(args: argparse.Namespace) -> int:
    """Import a set and print what was imported."""
    from sparrow.cli.next_command import next_command
    from sparrow.data.errors import DataError
    from sparrow.data.formats.imports import import_set

    try:
        imported = import_set(
            args.kind, args.source, _target(args), _options(args), terminal_progress("looked at")
        )
    except (DataError, OSError) as error:
        print(f"sparrow import: {error}", file=sys.stderr)
        return 1
    print(*imported.report.lines(), sep="\n")
    print(f"all of it is in {imported.dataset.root}; next:")
    print(f"  {next_command(imported.dataset, new=args.new)}")
    return 0


def _target(args: argparse.Namespace) -> Target:
    from sparrow.data.formats.imports import Credits, Target

    into = args.into or Path("data/new" if args.new else "data/raw")
    credits = Credits(args.of_author, args.of_source, args.of_license)
    return Target(into, credits, prefix="new_" if args.new else "")


def _options(args: argparse.Namespace) -> ImportOptions:
    from sparrow.data.formats.import_report import ImportOptions

    return ImportOptions(
        args.unlabelled, args.missing, args.crowd, args.boxes_on, args.cameras, args.label.strip(),
        args.class_attribute,
    )  # fmt: skip
