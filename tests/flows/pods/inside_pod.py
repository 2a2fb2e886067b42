"""Inside a pod: look for the marks of others, mark every writable folder, run the step, report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

MARK = ".marked-by-"


def writable_folders() -> Iterator[tuple[str, list[str]]]:
    """Every folder that this pod can write, with the names in it."""
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if f"{folder.rstrip('/')}/{name}" != "/proc"]
        if os.access(folder, os.W_OK):
            yield folder, files


def mark(own: str) -> tuple[list[str], list[str]]:
    """Mark all; the folders, and what others have left in them."""
    folders, foreign = [], []
    for folder, files in writable_folders():
        foreign += [f"{folder}/{n}" for n in files if n.startswith(MARK) and n != own]
        try:
            with open(f"{folder}/{own}", "w"):
                folders.append(folder)
        except OSError:  # /dev/fd and its like
            continue
    return folders, foreign


def main(spec: dict[str, str], words: list[str]) -> int:
    own = MARK + spec["name"].replace("/", "-")
    before, foreign = mark(own)
    run = f'{spec["setup"]} && exec python -u {spec["flow"]} "$@"'
    status = subprocess.run(["bash", "-ec", run, "bash", *words]).returncode
    after, more = mark(own)
    line = {
        "name": spec["name"], "status": status, "pid": os.getpid(), "foreign": foreign + more,
        "spaces": [os.readlink(f"/proc/self/ns/{kind}") for kind in ("mnt", "pid")],
        "marked": sorted({*before, *after}),
        "left": sorted(f"{at}/{n}" for at, names in writable_folders() for n in names
                       if not n.startswith(MARK) and at.startswith("/pod/.sparrow"))[:200],
    }  # fmt: skip
    os.write(spec["report"], (json.dumps(line) + "\n").encode())
    return status


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))
