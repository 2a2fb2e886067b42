"""An intake killed at any file operation leaves a raw set that passes; the next completes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

KILLS = 8


def test_an_intake_killed_anywhere_is_whole(tmp_path: Path, photos: Any, new: Any) -> None:
    photos.write()
    new.write()
    script = Path(__file__).with_name("kill_ingest.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(KILLS), "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == KILLS
    assert all(result["valid"] and result["completed"] for result in results), results
    assert [result["remains"] for result in results] == [[]] * KILLS
