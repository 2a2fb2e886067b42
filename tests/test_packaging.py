"""A wheel where no clone is: each command works or says in a sentence what is missing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from built_wheel import clean_environment

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The wheel's content as an installer lays it out; the libraries come from this environment."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def python(site, folder, *arguments):
    """Python that sees the wheel and this environment's libraries, and not the clone.

    -I -S leaves out the environment's own site, and with it the clone's editable install.
    """
    libraries = sysconfig.get_path("purelib")
    start = f"import sys; sys.path += [{str(site)!r}, {libraries!r}]; sys.argv = sys.argv[1:]; "
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + arguments[0], *arguments[1:]],
        cwd=folder, capture_output=True, text=True, env=clean_environment(), check=False,
    )  # fmt: skip


def test_the_wheel_holds_what_lies_beside_the_package_in_a_clone(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {f"sparrow/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    expected |= {f"sparrow/flows/{path.name}" for path in (ROOT / "flows").glob("*.py")}
    for folder in ("service/examples", "service/browser"):
        expected |= {f"{folder}/{path.name}" for path in (ROOT / folder).iterdir()}
    expected |= {"sparrow/requirements-serve.lock"}
    for package in ("sparrow", "service", "monitoring"):
        for suffix in ("*.py", "*.html"):
            expected |= {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob(suffix)}
    assert "sparrow/reports/templates/base.html" in expected
    assert expected - names == set()
    assert len([n for n in names if n.endswith("demo.yaml")]) == 1


COMMANDS = """
import contextlib, io, json, os, tempfile, traceback
from sparrow.cli.main import main
import sparrow
assert sparrow.__file__.startswith(sys.argv[0]), sparrow.__file__
found = {}
for line in json.loads(sys.argv[1]):
    os.chdir(tempfile.mkdtemp(dir=sys.argv[2]))
    said, status = io.StringIO(), None
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = main(line)
        except SystemExit as left:
            status = left.code
        except BaseException:
            traceback.print_exc()
    found[" ".join(line)] = [status, said.getvalue()]
print(json.dumps(found))
"""
# The command, and what it is to come to in an empty folder: 0, or a part of its one sentence.
EXPECTED = {
    "page --no-browser": ".sparrow/champion does not exist",
    "status": "No run yet. Start one: python -m sparrow.flows.train run",
    "clean": 0,
    "generate --photos 2 --into raw": 0,
    "import voc nowhere": "nowhere",
    "export coco --to out": "data/raw",
    "data check": "data/demo/raw",
    "data explore": "data/demo/raw",
    "data split-report": "data/demo/raw",
    "data drift": "data/demo",
    "data log": 0,
    "data restore 0123456789abcdef": "data/demo/raw",
    "data download --archive none.zip": "none.zip",
    "count photo.jpg": ".sparrow/champion",
    "history": 0,
    "promote 1 --why x": "no version 1",
    "rollback --why x": "no previous champion",
    "shadow 1 photo.jpg": "",
    "review": "",
    "missed": "",
    "export-space out": ".sparrow/champion",
    "state fetch --config c.yaml": "c.yaml",
}


@pytest.mark.slow
def test_each_command_works_or_says_what_is_missing(site, tmp_path):
    lines = [line.split() for line in EXPECTED]
    run = python(site, tmp_path, COMMANDS, str(site), json.dumps(lines), str(tmp_path))
    assert run.returncode == 0, run.stderr[-3000:]
    found = json.loads(run.stdout.splitlines()[-1])
    for line, expected in EXPECTED.items():
        status, said = found[line]
        assert "Traceback" not in said, f"{line}: {said}"
        assert str(ROOT) not in said, f"{line}: {said}"
        if expected == 0:
            assert status == 0, f"{line}: {said}"
        else:
            assert status in (1, 2), f"{line}: {status} {said}"
            assert expected in said, f"{line}: {said}"


@pytest.mark.extras
def test_the_flow_starts_from_a_wheel_and_says_what_it_lacks(site, tmp_path):
    train = site / "sparrow" / "flows" / "train.py"
    (tmp_path / ".metaflow").mkdir()
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    lib = next((environment / "lib").glob("python*/site-packages"))
    (lib / "wheel.pth").write_text(f"{site}\n{sysconfig.get_path('purelib')}\n")
    for how in ([str(train)], ["-m", "sparrow.flows.train"]):
        run = subprocess.run(
            [environment / "bin" / "python", *how, "run", "--set", "data.generate=null"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={k: v for k, v in clean_environment().items()
                 if k not in ("USER", "LOGNAME", "USERNAME", "SUDO_USER")},
        )  # fmt: skip
        said = run.stdout + run.stderr
        assert run.returncode != 0
        assert "data/demo/raw" in said, said[-3000:]
        assert "Traceback" not in said
        assert str(ROOT) not in said


def test_no_text_tells_to_install_a_strangers_package():
    texts = [
        path for pattern in ("**/*.py", "**/*.md", "**/*.toml", "**/*.yaml", "Makefile")
        for path in ROOT.glob(pattern) if not {".venv", "tests"} & set(path.parts)
    ]  # fmt: skip
    assert len(texts) > 100
    wrong = re.compile(r"install\s+(-\S+\s+)*['\"]?sparrow(\[|['\"\s]|$)")
    assert [p for p in texts if wrong.search(p.read_text(encoding="utf-8"))] == []
    assert wrong.search("pip install 'sparrow[download]'")
    assert wrong.search("uv pip install -U sparrow")
    assert not wrong.search("pip install -e '.[download]'")
