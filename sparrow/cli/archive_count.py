"""``sparrow count`` of an archive: by this machine, by Metaflow's foreach, or by Ray Data."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from sparrow.cli.archive_plan import Plan, make_plan
from sparrow.cli.archive_request import Destination, Request
from sparrow.cli.archive_result import check_destination, finish
from sparrow.cli.archive_shard import ShardCounter
from sparrow.cli.archive_source import S3
from sparrow.cli.count_options import visit_options
from sparrow.cli.project import find_champion
from sparrow.portable import usable_cores
from sparrow.progress import show_progress
from sparrow.shipped import shipped

MOST_SPLITS = 100_000  # of a foreach; Metaflow's own limit is 100
# What needs the photos' files, or writes files for which an archive has no place.
NOT_OF_ARCHIVES = (
    "annotated", "megadetector", "visits", "report", "fixed_places", "exclude", "camtrap_dp",
    "timezone", "location", "species", "boxes_from", "label_studio", "coco", "coco_results",
    "sort_into", "xmp",
)  # fmt: skip


def count_archive(arguments: argparse.Namespace) -> int:
    """Count an archive; the exit status is that of ``sparrow count``.

    Raises:
        ValueError: an option that is not for archives, or a place that cannot be used.
        StoreError: a store cannot be used; what was counted is kept, and taken up next time.
    """
    _check(arguments)
    if arguments.engine == "metaflow":
        return _run_flow(arguments)
    request = _request(arguments)
    plan = plan_count(request)
    missing = plan.missing()
    say_what_is_left(plan, len(missing))
    if arguments.engine == "ray":
        from sparrow.cli.archive_ray import count_with_ray

        count_with_ray(plan.address, missing, arguments.workers)
    else:
        _count_here(plan.address, missing, arguments.workers or usable_cores())
    return finish(plan)


def plan_count(request: Request) -> Plan:
    """Plan a count whose result may be written; raises as ``make_plan``."""
    to = Destination.parse(request.to)
    return make_plan(request, lambda listing: check_destination(to, request.photos, listing))


def say_what_is_left(plan: Plan, missing: int) -> None:
    """Say on standard error how much there is to count."""
    shards = len(plan.shards)
    before = f"; {shards - missing} were counted before, going on" if missing < shards else ""
    print(f"{plan.photos} photos in {shards} shards{before}", file=sys.stderr)


def _count_here(address: str, shards: list[str], workers: int) -> None:
    if not shards:
        return
    show = show_progress("counted", "shards", to=sys.stderr)
    with closing(ShardCounter(address, workers)) as counter:
        for number, shard in enumerate(shards, 1):
            counter.count(shard)
            show(number, len(shards))


def _request(arguments: argparse.Namespace) -> Request:
    return Request(
        photos=tuple(absolute(str(place)) for place in arguments.photos),
        to=absolute(str(arguments.to)),
        model=_model(arguments),
        recursive=arguments.recursive,
        shard_photos=arguments.shard_photos,
        tiles=arguments.tiles,
        options=visit_options(arguments),
    )


def absolute(place: str) -> str:
    """A place as it is called from every folder; addresses stay as they are."""
    if "://" in place:
        return place
    return os.path.abspath(place) + ("/" if place.endswith("/") else "")


def _model(arguments: argparse.Namespace) -> str:
    given = str(arguments.model) if arguments.model is not None else None
    if given is not None and given.startswith(S3):
        return given.rstrip("/")
    return str(find_champion(None if given is None else Path(given)))


def _check(arguments: argparse.Namespace) -> None:
    for name in NOT_OF_ARCHIVES:
        if getattr(arguments, name):
            option = "--" + name.replace("_", "-")
            raise ValueError(
                f"{option} is for photos that are files of this machine, counted without "
                "--engine into one file"
            )
    if arguments.to is None:
        raise ValueError(
            "an archive's counts need --to: a folder (s3://… or a path that ends in /), or a table"
        )
    for name in ("workers", "shard_photos"):
        given = getattr(arguments, name)
        if given is not None and given < 1:
            raise ValueError(f"--{name.replace('_', '-')} {given}: expected at least 1")
    if not arguments.visit_seconds >= 0:
        raise ValueError(f"--visit-seconds {arguments.visit_seconds}: expected 0 or more")


def _run_flow(arguments: argparse.Namespace) -> int:
    """Start ``flows/count.py``, which plans and writes the result, too; its exit status."""
    request = _request(arguments)
    options = request.options
    words = [
        "--photos", json.dumps(request.photos), "--to", request.to, "--model", request.model,
        "--shard-photos", request.shard_photos, "--tiles", request.tiles or "none",
        "--camera", options.camera_by, "--visit-seconds", options.seconds,
        "--recursive", request.recursive, "--file-times", options.file_times,
        "--gps", options.position,
    ]  # fmt: skip
    limits = ["--max-num-splits", MOST_SPLITS, "--max-workers", arguments.workers or usable_cores()]
    flow = shipped("flows/count.py")
    command = [sys.executable, flow, "run", *words, *limits]
    # Words of this program and of its own command line, and no shell.
    return subprocess.run(list(map(str, command)), check=False).returncode  # noqa: S603
