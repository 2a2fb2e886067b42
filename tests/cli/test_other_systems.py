"""Counting, the page and the data commands on a system without what only POSIX has.

It is no macOS and no Windows: a process of this machine from which the modules and functions are
taken away that those systems lack, its child processes too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from server_process import free_port
from small_model import write_small_model

ROOT = Path(__file__).parents[2]

# Read by every Python process of the test when it starts. Nobody can import the modules,
# but for ``filelock``, which has other locks on Windows. Attributes, and what libraries choose by
# the name of the system, are taken from Sparrow's own modules.
TAKEN_AWAY = """
import filelock, os, signal, socket, subprocess, sys, types

BLOCKED = {"fcntl", "grp", "msvcrt", "pty", "pwd", "resource", "syslog", "termios", "tty"}
CHOSEN = {"pty", "termios", "tty"}  # Gradio's libraries import them where os.name is posix
OWN = ("sparrow", "service", "monitoring", "__main__")
LACKING = {
    "os": {"O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC", "chown", "fchmod",
           "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid",
           "getuid", "killpg", "lchown", "memfd_create", "mkfifo", "mknod", "nice",
           "posix_fadvise", "posix_fallocate", "posix_spawn", "pread", "pwrite",
           "sched_getaffinity", "sched_setaffinity", "setgid", "setpgid", "setsid", "setuid",
           "statvfs", "sync", "sysconf", "uname", "wait", "wait3"},
    "signal": {"SIGALRM", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1", "SIGUSR2", "alarm"},
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        asks, frame = "", sys._getframe(1)
        while frame and not asks:
            asks = frame.f_globals.get("__name__", "")
            asks = "" if asks.startswith(("importlib", "_frozen_importlib")) else asks
            frame = frame.f_back
        if name in BLOCKED and (name not in CHOSEN or asks.partition(".")[0] in OWN):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
for name in BLOCKED:
    sys.modules.pop(name, None)

class Without(types.ModuleType):
    def __getattribute__(self, name):
        if name in LACKING[object.__getattribute__(self, "__name__")]:
            asks = sys._getframe(1).f_globals.get("__name__", "")
            if asks.partition(".")[0] in OWN:
                raise AttributeError(name)
        return object.__getattribute__(self, name)

for module in (os, signal, socket):
    module.__class__ = Without
os.supports_follow_symlinks = set()

def refuse(*_, **__):
    raise OSError("a required privilege is not held by the client")  # as Windows says it

os.symlink = refuse
"""


@pytest.fixture(scope="module")
def lacking(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process from which all of it is taken away."""
    start = tmp_path_factory.mktemp("start")
    (start / "sitecustomize.py").write_text(TAKEN_AWAY)
    return {**os.environ, "PYTHONPATH": f"{start}{os.pathsep}{ROOT}"}


def run(code: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-W",
         "error:'encoding' argument not specified:EncodingWarning:sparrow", "-c", code],
        cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def test_it_is_taken_away(tmp_path: Path, lacking: dict[str, str]) -> None:
    tell = (
        "import os, importlib.util as u, json, signal, subprocess, sys\n"
        "from sparrow import portable\n"
        "print(json.dumps([hasattr(os, 'fork'), hasattr(signal, 'SIGKILL'), portable.fcntl,"
        " portable.resource, portable.usable_cores() == os.cpu_count()]))"
    )
    expected = [False, False, None, None, True]
    assert json.loads(run(tell, tmp_path, lacking)) == expected
    of_a_child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {tell!r}])"
    assert json.loads(run(of_a_child, tmp_path, lacking)) == expected


COMMANDS = """
import json, sys
from sparrow.cli.main import main
if __name__ == "__main__":
    for line in {lines!r}:
        status = main(line.split())
        assert status == 0, (line, status)
"""


def run_commands(lines: list[str], folder: Path, environment: dict[str, str]) -> None:
    write_small_model(folder / "model")
    (folder / "configs").mkdir()
    shutil.copy(ROOT / "configs" / "demo.yaml", folder / "configs")
    (folder / "commands.py").write_text(COMMANDS.format(lines=lines))
    run("import runpy; runpy.run_path('commands.py', run_name='__main__')", folder, environment)


@pytest.mark.slow
def test_counting_and_checking_need_none_of_it(tmp_path: Path, lacking: dict[str, str]) -> None:
    lines = [
        "generate --photos 3 --seed 3 --into data/demo/raw",
        "data check",
        "count data/demo/raw/images --model model --to counts.csv --annotated drawn --workers 1",
    ]
    run_commands(lines, tmp_path, lacking)
    assert len((tmp_path / "counts.csv").read_text().splitlines()) == 4
    assert len(list((tmp_path / "drawn").iterdir())) == 3


@pytest.mark.extras
def test_the_other_data_commands_need_none_of_it(tmp_path: Path, lacking: dict[str, str]) -> None:
    lines = [
        "generate --photos 120 --seed 3 --into data/demo/raw",  # enough for two processes
        "generate --photos 4 --seed 4 --into data/demo/new --new",
        "data check --html check.html",
        "data explore",
        "data ingest",
        "data split-report",
        "data drift",
        "data log",
        "export coco --from data/demo/raw --to coco",
        "export voc --from data/demo/raw --to voc",
        "export yolo --from data/demo/raw --to yolo",
        "import coco coco --into again",
        "evaluate model again",
        "count data/demo/raw/images --model model --to counts.json --workers 2",
    ]
    run_commands(lines, tmp_path, lacking)
    assert (tmp_path / "check.html").is_file()
    assert len(list((tmp_path / "again" / "images").iterdir())) == 124


@pytest.mark.extras
def test_the_page_needs_none_of_it(tmp_path: Path, lacking: dict[str, str]) -> None:
    write_small_model(tmp_path / "model")
    port = free_port()
    command = ["-m", "sparrow.cli.main", "page", "--model", "model", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, *command, "--no-browser"], cwd=tmp_path, env=lacking,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        page = answer_of(f"http://127.0.0.1:{port}/", server)
        assert b"gradio" in page
        assert b"test-detector" in answer_of(f"http://127.0.0.1:{port}/model", server)
    finally:
        server.terminate()
        server.communicate()


def answer_of(url: str, server: subprocess.Popen[str]) -> bytes:
    for _ in range(600):
        if server.poll() is not None:
            raise AssertionError(server.communicate()[0][-3000:])
        try:
            with urlopen(url, timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
