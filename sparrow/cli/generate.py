"""``sparrow generate``: draw a set of photos with boxes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sparrow.progress import show_progress


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "generate",
        help="draw photos of sparrows with boxes",
        description="Draw photos with boxes, the same ones for the same seed, into a new folder.",
    )
    parser.add_argument("--photos", type=int, default=128, metavar="N", help="how many (128)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which ones (0)")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="folder to make")
    parser.add_argument("--season", choices=("summer", "winter"), default="summer")
    parser.add_argument(
        "--classes", nargs="+", default=["house_sparrow"], metavar="SPECIES",
        help="species that get boxes (house_sparrow); also blue_tit, robin, blackbird, pigeon",
    )  # fmt: skip
    parser.add_argument(
        "--new", action="store_true", help="name the tables new_…, as in data/new, to be taken in"
    )
    parser.add_argument(
        "--contact-sheet", type=Path, metavar="FILE", help="also a picture of the first 24 photos"
    )
    parser.set_defaults(func=generate)


def generate(args: argparse.Namespace) -> int:
    """Draw the set; progress goes to standard error."""
    from sparrow.data.errors import DataError
    from sparrow.data.synthetic.generate import generate_dataset, write_contact_sheet
    from sparrow.data.synthetic.settings import SyntheticSettings

    prefix = "new_" if args.new else ""
    try:
        settings = SyntheticSettings(
            args.photos, args.seed, args.season, tuple(args.classes), prefix=prefix
        )
        progress = show_progress("drawn", to=sys.stderr, lines=False)
        generate_dataset(args.into, settings, progress=progress)
        if args.contact_sheet is not None:
            write_contact_sheet(args.into, args.contact_sheet, prefix=prefix)
    except (DataError, ValueError, OSError) as error:
        print(f"sparrow generate: {error}", file=sys.stderr)
        return 1
    print(f"{args.photos} photos drawn into {args.into}")
    return 0
