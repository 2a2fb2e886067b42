"""The actions of ``sparrow data`` that follow git: pin, status, push, pull, hook."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sparrow.cli.data_options import Parsers, add_action, read_config, terminal_progress
from sparrow.config import Config
from sparrow.progress import Progress, show_progress
from sparrow.shipped import default_config

if TYPE_CHECKING:
    from sparrow.data.pins.compare import Differences
    from sparrow.data.pins.contents import Contents
    from sparrow.data.pins.pointer import Pointer


def add_pins(actions: Parsers) -> None:
    """Add the five actions."""
    add_action(actions, "pin", pin_set, "write the pointer to the data that git keeps")
    status = add_action(actions, "status", show_status, "compare the pointer with the data")
    status.add_argument(
        "--quick", action="store_true",
        help="compare with the set's log alone; silent where they agree or nothing is pinned",
    )  # fmt: skip
    push = add_action(actions, "push", push_set, "bring the pinned data into stores.data")
    push.add_argument(
        "--verify", action="store_true",
        help="also read back what the store has, and write again what is damaged",
    )  # fmt: skip
    pull = add_action(actions, "pull", pull_set, "make the data what the pointer says")
    pull.add_argument(
        "--keep-local", action="store_true",
        help="record local changes as a version first, in place of refusing to replace them",
    )  # fmt: skip
    add_action(actions, "hook", add_hook, "install git's post-checkout hook: it says what to do")


def pin_set(args: argparse.Namespace) -> int:
    """Pin the current state and say what to commit."""
    from sparrow.data.pins.pin import pin

    pinned = pin(read_config(args).data, terminal_progress())
    if pinned.is_new:
        print(f"{pinned.path}: pinned at {pinned.pointer.describe()}; commit this file")
    else:
        print(f"{pinned.path}: says {pinned.pointer.describe()} already")
    return 0


def show_status(args: argparse.Namespace) -> int:
    """Say whether pointer and data agree, and which files differ; 1 where they do not."""
    from sparrow.data.pins.compare import describe_recorded
    from sparrow.data.pins.contents import read_contents
    from sparrow.data.pins.pointer import pointer_path, read_pointer

    config = read_config(args)
    root = Path(config.data.root)
    if args.quick and not pointer_path(root).exists():
        return 0
    pointer = read_pointer(root)
    recorded = describe_recorded(root, pointer)
    if args.quick:
        if recorded:
            advice = _advice(args, pointer, anything_here=root.exists())
            print(f"{recorded}\n{advice}", file=sys.stderr)
        return 1 if recorded else 0
    contents = read_contents(root, config.data, terminal_progress("hashed"))
    differences = _differences(config, pointer, contents)
    if differences is not None and not differences:
        print(f"{root} is what the pointer says: {pointer.describe()}")
        return 0
    print(recorded or f"{root} has changed since {pointer.describe()}")
    if differences is not None:
        print(differences.describe())
    elif contents.files:
        print("which files differ is in the store alone: set stores.data")
    print(_advice(args, pointer, anything_here=bool(contents.files)))
    return 1


def _differences(config: Config, pointer: Pointer, contents: Contents) -> Differences | None:
    """None where there is no data, or where only a store has the list and none is named."""
    from sparrow.data.pins.compare import compare
    from sparrow.data.pins.manifest import read_manifest
    from sparrow.data.pins.pull import fetch_manifest

    known = read_manifest(contents.root, pointer.manifest) is not None
    if not contents.files or not (known or config.stores.data):
        return None
    return compare(contents, fetch_manifest(config.stores.data, contents.root, pointer))


def _advice(args: argparse.Namespace, pointer: Pointer, *, anything_here: bool) -> str:
    option = f" --config {shlex.quote(str(args.config))}" if args.config != default_config() else ""
    pulling = f"`sparrow data pull{option}` makes the data {pointer.version}"
    pinning = f"; `sparrow data pin{option}` makes the pointer say what is here"
    return pulling + pinning * anything_here


def push_set(args: argparse.Namespace) -> int:
    """Push the pinned state and say what was moved."""
    from sparrow.data.pins.push import push

    config = read_config(args)
    progress, store = _transfer_progress("pushed"), config.stores.data
    transfer = push(config.data, store, progress, verify=args.verify)
    damaged = f", {transfer.replaced:,} of them in place of damaged ones" * bool(transfer.replaced)
    print(
        f"{store} has the pinned state: {transfer.objects:,} objects written "
        f"({transfer.bytes:,} bytes){damaged}, {transfer.known:,} there already"
    )
    return 0


def pull_set(args: argparse.Namespace) -> int:
    """Pull the pinned state and say what was moved."""
    from sparrow.data.pins.pull import pull

    config = read_config(args)
    progress, store = _transfer_progress("pulled"), config.stores.data
    pulled = pull(config.data, store, progress, keep_local=args.keep_local)
    if not pulled.changed:
        print(f"{config.data.root} is what the pointer says: {pulled.pointer.describe()}")
        return 0
    transfer = pulled.transfer
    print(
        f"{config.data.root} is at {pulled.pointer.describe()}: {transfer.objects:,} objects "
        f"fetched ({transfer.bytes:,} bytes), {transfer.known:,} here already"
    )
    return 0


def add_hook(args: argparse.Namespace) -> int:
    """Install the hook in the repository of the current folder."""
    from sparrow.data.pins.git_hook import install_hook

    print(f"{install_hook(args.config, Path.cwd())}: says after a checkout what `status` finds")
    return 0


def _transfer_progress(verb: str) -> Progress:
    return show_progress(verb, "objects", to=sys.stderr)
