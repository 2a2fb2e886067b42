"""The line after an import does what it says when a shell and make have read it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sparrow.config import load_config
from sparrow.data.formats.next_command import CONFIG, ROOT, next_command

CLONE = Path(__file__).parents[3]


def test_the_usual_line_is_short() -> None:
    line = next_command(ROOT, ["raccoon"])
    assert line == "make train CONFIG=configs/own.yaml ARGS=\"--set 'data.classes=[raccoon]'\""
    assert load_config(CLONE / CONFIG).data.root == str(ROOT)


@pytest.mark.parametrize(
    ("root", "classes"),
    [
        (ROOT, ["house sparrow", "Spatz groß"]),
        (ROOT, ["it's", 'a "b"', "$HOME", "a, b", "yes", "1", "x: y", "#1", "back\\slash"]),
        (Path("my photos/raw"), ["jay", "麻雀"]),
    ],
)
def test_odd_names_arrive_as_they_are(tmp_path: Path, root: Path, classes: list[str]) -> None:
    tell = f"{sys.executable} -c 'import sys; print(*sys.argv[1:], sep=chr(10))' run"
    (tmp_path / "Makefile").write_text(f"train:\n\t@{tell} $(ARGS)\n")
    line = next_command(root, classes).replace("python flows/train.py", tell.removesuffix(" run"))
    told = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    words = told[told.index("run") + 1 :]
    assert words[::2] == ["--set"] * (len(words) // 2)
    data = load_config(CLONE / CONFIG, words[1::2]).data
    assert data.classes == tuple(classes)
    assert data.root == str(root)
    assert len({data.root, data.new, data.rejected, data.prepared}) == 4
