"""Count an archive of photos: shard by shard, each a step of its own.

    python flows/count.py run --photos s3://bucket/prefix --to s3://bucket/counts/ --model DIR
    python flows/count.py --datastore s3 run … --with kubernetes

``sparrow count … --engine metaflow`` starts it. Started again with the same --to, it counts the
shards that are missing. Exit status: 0 all could be counted, 3 some photos could not, 1 it failed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# Found however it is started; and a clone runs without being installed.
sys.path[:0] = [str(HERE), *([str(ROOT)] if (ROOT / "sparrow").is_dir() else [])]

from user_name import settle_user_name

settle_user_name()

# Metaflow's stubs export none of its names.
from exit_status import leave_exit_status, run_with_exit_status
from metaflow import FlowSpec, Parameter, project, step  # type: ignore[attr-defined]
from plain_errors import plain_errors
from store_steps import store_step

import sparrow.telemetry

sparrow.telemetry.switch_off()
SHARD_HOURS = 24


def _parameter(name: str, help_: str, default: str | float | None = None) -> Any:
    """One of Metaflow's, whose place in a step its value takes."""
    kind = str if default is None else type(default)
    return Parameter(name, help=help_, default=default, type=kind, required=default is None)


@project(name="sparrow")
class Count(FlowSpec):
    """From an archive to tables of counts."""

    # What the steps hand on.
    plan_address: str
    shards: list[str]
    counted: int
    exit_status: int  # the process's own, which a scheduler's run does not have

    photos = _parameter("photos", "s3://…, a folder that all steps see, or a JSON list of such")
    to = _parameter("to", "s3://…, a folder that ends in /, or a table")
    model = _parameter("model", "a model folder: a path that all steps see, or s3://…")
    recursive = _parameter("recursive", "look into folders in folders", True)
    shard_photos = _parameter("shard-photos", "photos that are counted in one step", 1000)
    workers = _parameter("workers", "photos that a step counts at the same time", 1)
    tiles = _parameter("tiles", "none, auto or N, as sparrow count takes it", "none")
    camera = _parameter("camera", "auto, folder or exif", "auto")
    visit_seconds = _parameter("visit-seconds", "the longest gap within a visit", 60.0)
    file_times = _parameter("file-times", "take a file's own time where none is told", False)
    gps = _parameter("gps", "write the places that EXIF tells", False)

    @step
    @plain_errors
    def start(self) -> None:
        """List the archive and cut it into shards; those of an earlier run are taken over."""
        from sparrow.cli.archive_count import plan_count, say_what_is_left

        plan = plan_count(self._request())
        missing = plan.missing()
        say_what_is_left(plan, len(missing))
        self.plan_address = plan.address
        self.shards = missing or [""]  # a foreach has at least one
        self.next(self.count_shard, foreach="shards")

    @store_step(SHARD_HOURS, tries=3)
    @step
    @plain_errors
    def count_shard(self) -> None:
        """Count the photos of one shard."""
        from contextlib import closing

        from sparrow.cli.archive_shard import ShardCounter

        self.counted = 0
        if self.input:
            with closing(ShardCounter(self.plan_address, self.workers)) as counter:
                self.counted = counter.count(self.input)
        self.next(self.finish)

    @step
    @plain_errors
    def finish(self, inputs: Any) -> None:  # Metaflow's
        """Write the tables, and say what was counted and what was not."""
        from sparrow.cli.archive_plan import read_plan
        from sparrow.cli.archive_result import finish

        self.exit_status = finish(read_plan(inputs[0].plan_address))
        self.next(self.end)

    @step
    def end(self) -> None:
        """Leave the exit status."""
        leave_exit_status(self.exit_status)

    def _request(self) -> Any:
        from sparrow.cli.archive_count import absolute
        from sparrow.cli.archive_request import Request
        from sparrow.cli.counted_folder import VisitOptions
        from sparrow.inference.tile_choice import parse_tiles

        # A scheduler knows parameters of one text each.
        places = json.loads(self.photos) if self.photos.startswith("[") else [self.photos]
        return Request(
            photos=tuple(map(absolute, places)),
            to=absolute(self.to),
            model=absolute(self.model),
            recursive=self.recursive,
            shard_photos=self.shard_photos,
            tiles=parse_tiles(self.tiles),
            options=VisitOptions(self.visit_seconds, self.camera, self.file_times, self.gps),
        )


def main() -> None:
    """Run the flow; one that ends exits with its status in place of Metaflow's 0."""
    if not {"run", "resume"} & set(sys.argv[1:]):
        Count()
        return
    run_with_exit_status(Count)


if __name__ == "__main__":
    main()
