"""Pushes and pulls killed anywhere leave nothing torn; the next goes on, the last completes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

PHOTOS, KILLS = 200, 5


def test_transfers_killed_anywhere_are_completed(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_transfers.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(PHOTOS), str(KILLS), "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["killed"] for line in lines if "killed" in line] == 2 * ([True] * KILLS + [False])
    assert all(line["kept"] for line in lines if "kept" in line), lines  # nothing written twice
    assert not any(line.get("torn") or line.get("root") for line in lines), lines
    assert files(tmp_path / "clone" / "raw") == files(tmp_path / "raw")
    assert {path.name for path in (tmp_path / "clone").iterdir()} == {
        "raw", "raw.version", "prepared",
    }  # fmt: skip
    pushed = {sha256 for path, sha256 in files(tmp_path / "raw").items() if "log.jsonl" not in path}
    stored = files(tmp_path / "store")
    assert set(stored.values()) == pushed
    assert len(stored) == PHOTOS + 5  # two tables in use, two of the version, the list of all


def files(root: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }
