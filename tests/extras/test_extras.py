"""The wheel in new, empty environments: with nothing more, and with one extra alone.

`make test-extras`. The versions are those of requirements.lock, so uv takes what its cache holds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from built_wheel import ROOT, clean_environment
from server_process import free_port
from small_model import write_small_model

pytestmark = pytest.mark.extras

UV = Path(sys.executable).with_name("uv")
HEAVY = ("torch", "mlflow", "metaflow", "optuna", "evidently", "gradio", "bentoml", "pandas")


class Environment:
    """A virtual environment that holds the wheel, and no clone near it."""

    def __init__(self, wheel: Path, extra: str, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        self.home = folder / "work"
        self.home.mkdir()
        self._uv("venv", "--quiet", "--python", sys.executable, folder / "venv")
        named = f"{wheel}[{extra}]" if extra else str(wheel)
        self._uv("pip", "install", "--quiet", "--python", self.bin / "python",
                 "--constraint", ROOT / "requirements.lock", named)  # fmt: skip
        write_small_model(self.home / "model")
        size = subprocess.run(["du", "-sm", folder / "venv"], capture_output=True, text=True)
        print(f"\nenvironment of the wheel[{extra}]: {size.stdout.split()[0]} MB")

    @staticmethod
    def _uv(*arguments: str | Path) -> None:
        subprocess.run([UV, *arguments], check=True, env=clean_environment())

    def installed(self) -> set[str]:
        """Names of the packages."""
        command = [UV, "pip", "list", "--format", "json", "--python", self.bin / "python"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        return {package["name"] for package in json.loads(listed.stdout)}

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A program of the environment, in a folder that holds only ``model``."""
        program = [str(self.bin / command[0]), *command[1:]]
        done = subprocess.run(
            program, cwd=self.home, env=self.environment(**more), capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        assert str(ROOT) not in done.stdout + done.stderr
        return done

    def works(self, line: str) -> str:
        """The output of a ``sparrow`` command that has to succeed."""
        done = self.run("sparrow", *line.split())
        assert done.returncode == 0, f"{line}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
        return done.stdout

    def environment(self, **more: str) -> dict[str, str]:
        """Of its programs: none of the clone's, and its own temporary folder."""
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        return clean_environment(PATH=path, HOME=str(self.home), USER="ada", **more)


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Environment]:
    """Made for one extra, removed after its tests."""
    with tempfile.TemporaryDirectory(prefix="sparrow-extras-") as folder:
        yield Environment(wheel, request.param, Path(folder))


def has_only(extra: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("environment", [extra], indirect=True, ids=[extra or "none"])


PHOTO = "photos/bird.jpg"


def place_photos(environment: Environment) -> None:
    place = environment.home / "photos"
    place.mkdir(exist_ok=True)
    (place / "bird.jpg").write_bytes((ROOT / "service/examples/one-bird.jpg").read_bytes())


@has_only("")
def test_nothing_more_counts(environment: Environment) -> None:
    assert not environment.installed() & set(HEAVY)
    place_photos(environment)
    environment.works("count photos --model model --to counts.csv --annotated drawn --workers 1")
    environment.works("count photos --model model --to counts.json --workers 2")
    environment.works("count photos --model model --to megadetector.json --megadetector")
    # The model sees the photo at a fifth of its size, and its smallest box is of 32 px.
    told = f"{PHOTO}: 2 (objects below about 150 px may be missed)\n"
    assert environment.works(f"count {PHOTO} --model model") == told
    assert (environment.home / "counts.csv").read_text().count("\n") == 2
    assert len(list((environment.home / "drawn").iterdir())) == 1
    code = f"import sparrow; print(sparrow.load('model').count('{PHOTO}').count)"
    assert environment.run("python", "-c", code).stdout == "2\n"


@has_only("")
@pytest.mark.parametrize(
    ("line", "library", "extra"),
    [
        ("count photos --model model --to counts.parquet", "pandas", "data"),
        ("data check", "pandas", "data"),
        ("generate --photos 1 --into drawn-set", "pandas", "data"),
        ("evaluate model set", "pandas", "data"),
        ("page --model model --no-browser", "uvicorn", "serve"),
        ("promote 1 --why x", "mlflow", "train"),
        ("export-space space --model model", "pandas", "data"),
    ],
)
def test_nothing_more_says_which_extra_a_command_needs(
    environment: Environment, line: str, library: str, extra: str
) -> None:
    done = environment.run("sparrow", *line.split())
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"needs {library}, which is not installed here" in done.stderr
    assert f".whl[{extra}]'" in done.stderr


@has_only("")
def test_nothing_more_says_which_extra_a_name_needs(environment: Environment) -> None:
    code = "import sparrow\ntry: sparrow.Dataset\nexcept ImportError as error: print(error)"
    said = environment.run("python", "-c", code).stdout
    assert said.startswith("sparrow.Dataset needs pandas, which is not installed here.")
    assert ".whl[data]'" in said


@has_only("data")
def test_data_alone_works_on_sets(environment: Environment) -> None:
    assert environment.installed() & set(HEAVY) == {"pandas", "evidently"}
    for line in (
        "generate --photos 40 --seed 3 --into data/demo/raw --contact-sheet sheet.jpg",
        "generate --photos 12 --seed 4 --into data/demo/new --new",
        "data check --html check.html",
        "data ingest",
        "data log",
        "data explore",
        "data split-report",
        "data drift --html drift",
        "export coco --from data/demo/raw --to coco",
        "export yolo --from data/demo/raw --to yolo",
        "export voc --from data/demo/raw --to voc",
        "export csv --from data/demo/raw --to csv",
        "import coco coco --into again",
        "import yolo yolo --into from-yolo",
        "import voc voc --into from-voc",
        "evaluate model again",
        "count again/images --model model --to counts.parquet",
        "export-space space --model model",
        "--version",
    ):
        environment.works(line)
    code = "import sparrow; s = sparrow.Dataset.read('again'); print(len(s.images))"
    assert environment.run("python", "-c", code).stdout == "52\n"


def wait_for(url: str, server: subprocess.Popen[str]) -> bytes:
    for _ in range(600):
        assert server.poll() is None, server.communicate()[0][-3000:]
        try:
            with urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def start(environment: Environment, *command: str, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(environment.bin / command[0]), *command[1:]],
        cwd=environment.home, env=environment.environment(**more),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


@has_only("serve")
def test_serve_alone_shows_the_page_in_the_browser(environment: Environment) -> None:
    assert environment.installed() & set(HEAVY) == {"bentoml", "gradio", "pandas"}
    refused = environment.run("sparrow", "page")
    assert refused.returncode == 1
    assert ".sparrow/champion does not exist. Name a model folder" in refused.stderr
    opened = environment.home / "opened"
    browser = environment.home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    port = free_port()
    command = ("sparrow", "page", "--model", "model", "--port", str(port))
    server = start(environment, *command, BROWSER=f"{browser} %s")
    try:
        page = wait_for(f"http://127.0.0.1:{port}/", server)
        assert b"gradio" in page
        assert json.loads(wait_for(f"http://127.0.0.1:{port}/model", server))["name"]
        assert opened.read_text() == f"http://127.0.0.1:{port}/\n"
        taken = environment.run(*command)
        assert taken.returncode == 1
        assert f"port {port} of 127.0.0.1; name another port" in taken.stderr
    finally:
        server.terminate()
        server.communicate()


@has_only("serve")
def test_serve_alone_answers_programs(environment: Environment) -> None:
    place_photos(environment)
    environment.works(f"count {PHOTO} --model model")
    port = free_port()
    command = ("bentoml", "serve", "service.app:Sparrow", "--port", str(port))
    server = start(environment, *command, SPARROW_MODEL=str(environment.home / "model"))
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", server)
        boundary = "photo"
        body = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="photos"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        body += (environment.home / PHOTO).read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        with urlopen(Request(f"http://127.0.0.1:{port}/detect", body, kind), timeout=30) as answer:
            assert json.load(answer)["total"] == 2
    finally:
        server.terminate()
        server.communicate()


@has_only("monitor")
def test_monitor_alone_says_that_there_is_nothing_to_watch(environment: Environment) -> None:
    assert environment.installed() & set(HEAVY) == {"metaflow", "evidently", "pandas"}
    done = environment.run("python", "-m", "sparrow.flows.monitor", "run")
    assert done.returncode != 0
    assert "champion" in done.stdout + done.stderr
