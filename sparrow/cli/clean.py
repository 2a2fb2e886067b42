"""``sparrow clean``: lists files that nothing needs any more, and deletes them on request."""

from __future__ import annotations

import argparse

from sparrow.cli.project import add_stores_option, find_places


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "clean",
        help="say what could be deleted, and with --yes delete it",
        description="List what finished runs left that nothing needs, and what is over its budget "
        "(the section storage of the config). Champion, previous champion, newest run, registered "
        "versions and runs under way are never touched.",
    )
    parser.add_argument("--yes", action="store_true", help="delete it")
    add_stores_option(parser)
    parser.set_defaults(func=clean)


def clean(arguments: argparse.Namespace) -> int:
    """List what could be deleted, or delete it; exit status 1 when some of it could not be."""
    from sparrow.storage.places import describe, in_words, remove
    from sparrow.storage.plan import plan

    items = plan(find_places(arguments.config))
    if not items:
        print("Nothing to delete: all is needed, and within its budget.")
        return 0
    done = remove(items) if arguments.yes else []
    for item in done or items:
        print(describe(item))
    total = in_words(sum(item.n_bytes for item in done or items))
    if not arguments.yes:
        print(f"{total} would be freed. Nothing was deleted; do it with: sparrow clean --yes")
        return 0
    print(f"{total} freed." if done else "Nothing was freed.")
    for item in items:
        if item not in done:
            print(f"could not be deleted: {item.path}")
    return 0 if len(done) == len(items) else 1
