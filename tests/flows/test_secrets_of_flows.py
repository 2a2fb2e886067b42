"""What a flow writes and shows while it runs holds no password of a store."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

FLOWS = Path(__file__).resolve().parents[2] / "flows"
SECRET = "Zq7-unlikely.pa55word"


def start(
    flow: str, home: Path, *words: str, **variables: str
) -> tuple[subprocess.Popen[str], list[str]]:
    """Run a flow to its end; also the command lines of all its processes, with a check's delay."""
    environment = {
        **os.environ, "METAFLOW_USER": "test", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
        **variables,
    }  # fmt: skip
    with (home / "out").open("w") as out:
        run = subprocess.Popen(
            [sys.executable, str(FLOWS / flow), *words], cwd=home, env=environment, text=True,
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    seen: set[str] = set()
    while run.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(process.name)) == run.pid:
                    seen.add((process / "cmdline").read_text().replace("\0", " "))
            except (OSError, ValueError):
                continue
        try:
            run.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    return run, sorted(seen)


def holding_the_secret(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and SECRET.encode() in content(path)]


def content(path: Path) -> bytes:
    """Metaflow packs what it keeps."""
    kept = path.read_bytes()
    return gzip.decompress(kept) if kept.startswith(b"\x1f\x8b") else kept


@pytest.mark.parametrize("flow", ["monitor.py", "train.py"])
@pytest.mark.parametrize(
    "words",
    [
        ["run", "--set", f"stores.prediction_log=postgresql://birds:{SECRET}@db.example/log"],
        ["run", f"--set=stores.tuning=mysql://birds:{SECRET}/x@db.example/log"],
        ["--config-value", "config", f'{{"stores": {{"tuning": "x://u:{SECRET}@h/"}}}}', "run"],
    ],
)  # fmt: skip
def test_a_password_on_the_command_line_is_refused_and_not_kept(
    tmp_path: Path, flow: str, words: list[str]
) -> None:
    run, _ = start(flow, tmp_path, *words)
    assert run.returncode == 1
    assert "${NAME}" in (tmp_path / "out").read_text()
    assert holding_the_secret(tmp_path) == []


@pytest.mark.slow
def test_one_in_the_environment_is_on_no_command_line_and_in_no_file(tmp_path: Path) -> None:
    """The monitor comes as far as it can without a champion, then says what is missing."""
    (tmp_path / "c.yaml").write_text(
        "name: birds\nstores:\n  prediction_log: postgresql://birds:${PLANTED}@db.example/log\n"
        "  champion: nowhere\n"
    )
    words = ["--config", "config", "c.yaml", "run"]
    run, lines = start("monitor.py", tmp_path, *words, PLANTED=SECRET)
    assert run.returncode == 1
    assert "there is no champion" in (tmp_path / "out").read_text()
    assert any(" step " in line for line in lines)  # the step's own process was seen
    assert [line for line in lines if SECRET in line] == []
    assert holding_the_secret(tmp_path) == []
