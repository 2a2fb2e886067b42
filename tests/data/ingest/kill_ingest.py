"""Run intakes that are killed (SIGKILL) at chosen file operations, each in a process of its own.

usage: kill_intake.py FOLDER KILLS SEED

``FOLDER`` holds ``raw`` and ``new``. One intake runs to its end to count its file operations; then
``KILLS`` random ones are chosen, and for each a fresh copy is taken in, killed just before that
operation, checked, taken in again and checked again. Prints a JSON line per kill.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).parents[2]))

from killed_process import in_child

from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.tables import data_version

# A lock that was held is taken over by the next; ``new`` may stay, as an empty folder.
EXPECTED = {"raw", ".raw.lock", "new", ".new.lock"}


def main(folder: Path, kills: int, seed: int) -> None:
    """See the module."""
    config = fresh_copy(folder, folder / "whole")
    before = version(config)
    ingest_new(config)  # whatever is imported or measured once is so before operations are counted
    config = fresh_copy(folder, folder / "whole")
    operations = take_in(config, kill_at=None)
    after = version(config)
    for moment in sorted(random.Random(seed).sample(range(1, operations + 1), kills)):
        config = fresh_copy(folder, folder / "killed")
        take_in(config, kill_at=moment)
        found = version(config)
        ingest_new(config)
        result = {
            "operation": moment,
            "of": operations,
            "valid": found in (before, after),
            "completed": version(config) == after and not files(Path(config.new)),
            "remains": sorted(
                p.name for p in Path(config.root).parent.iterdir() if p.name not in EXPECTED
            ),
        }
        print(json.dumps(result), flush=True)


def files(folder: Path) -> list[Path]:
    """Whatever is in it that is no folder."""
    return [path for path in folder.rglob("*") if not path.is_dir()]


def fresh_copy(folder: Path, place: Path) -> DataConfig:
    """The untouched sets in a new place."""
    shutil.rmtree(place, ignore_errors=True)
    for part in ("raw", "new"):
        shutil.copytree(folder / part, place / part)
    return DataConfig(
        root=str(place / "raw"),
        new=str(place / "new"),
        rejected=str(place / "rejected"),
        prepared=str(folder / "prepared"),
        extensions=(".png", ".jpg"),
    )


def version(config: DataConfig) -> str:
    """Of the raw set, which must pass its checks without a word about errors."""
    return data_version(check_dataset(Path(config.root), config).dataset)


def take_in(config: DataConfig, kill_at: int | None) -> int:
    """Take in, in a process of its own; the number of file operations it began."""
    killed, operations = in_child(lambda: ingest_new(config), kill_at)
    if killed != (kill_at is not None):
        raise SystemExit(f"the intake was expected to be killed at {kill_at}: {killed}")
    return operations


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
