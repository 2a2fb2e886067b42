"""``sparrow export``: a set written for other programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.data_options import Parsers, terminal_progress
from sparrow.config import load_config
from sparrow.data.formats import WRITERS
from sparrow.shipped import default_config

if TYPE_CHECKING:
    from sparrow.data.tables import Dataset


def register(subparsers: Parsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "export",
        help="write photos and boxes as COCO, VOC, YOLO or CSV",
        description="Write the photos, their boxes and a NOTICE of authors and licences.",
    )
    parser.add_argument("kind", choices=WRITERS)
    parser.add_argument(
        "--from", dest="root", type=Path, metavar="DIR",
        help="the set to write (data.root of --config, else data/raw)",
    )  # fmt: skip
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder to make")
    parser.add_argument(
        "--split", action="store_true",
        help="in a training, a validation and a test part, as a run of --config splits the set",
    )  # fmt: skip
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML of the project")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="override a key of the config",
    )  # fmt: skip
    parser.set_defaults(func=export_set)


def export_set(args: argparse.Namespace) -> int:
    """Export a set and print what was exported."""
    from sparrow.data.errors import DataError

    try:
        dataset = _export_split(args) if args.split else _export_whole(args)
    except (DataError, OSError) as error:
        print(f"sparrow export: {error}", file=sys.stderr)
        return 1
    print(f"{len(dataset.images)} photos with {len(dataset.boxes)} boxes in {args.to}")
    return 0


def _export_whole(args: argparse.Namespace) -> Dataset:
    from sparrow.data.formats.exchange import export_dataset, read_csv

    of_config = load_config(args.config, args.overrides).data.root if args.config else "data/raw"
    dataset = read_csv(args.root or Path(of_config))
    export_dataset(args.kind, dataset, args.to)
    return dataset


def _export_split(args: argparse.Namespace) -> Dataset:
    """Check the set, split it as a run does, and export it; nothing is written into the set."""
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.formats.exchange import export_split
    from sparrow.data.formats.split_sets import PARTS
    from sparrow.pipeline.split import split_as_run

    config = load_config(args.config or default_config(), args.overrides)
    root = args.root or Path(config.data.root)
    checked = check_dataset(root, config.data, progress=terminal_progress()).dataset
    dataset = split_as_run(config, checked).dataset
    export_split(args.kind, dataset, args.to)
    counts = dataset.images["split"].value_counts()
    print(", ".join(f"{part}: {counts.get(split, 0)} photos" for split, part in PARTS.items()))
    if left_out := len(checked.images) - len(dataset.images):
        print(f"{left_out} photos take no part: their licence is not in split.licenses")
    return dataset
