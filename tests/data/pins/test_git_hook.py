"""The hook in a real repository: silent where all is well, and never in the way of a checkout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparrow.config import DataConfig
from sparrow.data.errors import DataError
from sparrow.data.pins.git_hook import install_hook
from sparrow.data.pins.pin import pin


def git(folder: Path, *arguments: str) -> str:
    """Output and errors of a git that knows nobody's settings."""
    environment = os.environ | {
        "PYTHONPATH": os.fspath(Path(__file__).parents[3]),
        "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(folder),
    }  # fmt: skip
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path, data_config: DataConfig, photos: Any) -> Path:
    """A set whose pointer is committed, and a config beside it."""
    photos.write()
    git(tmp_path, "init", "-q", "-b", "main")
    values = {"name": "x", "data": data_config.model_dump(mode="json")}
    (tmp_path / "my config.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / ".gitignore").write_text("/raw\n/prepared\n")
    pin(data_config)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "six photos")
    return tmp_path


def test_a_checkout_of_an_older_state_says_what_to_do(
    repository: Path, data_config: DataConfig, photos: Any
) -> None:
    hook = install_hook(repository / "my config.yaml", repository)
    assert hook.resolve() == repository / ".git" / "hooks" / "post-checkout"
    assert install_hook(repository / "my config.yaml", repository) == hook
    assert hook.read_text().count("--quick") == 1
    assert os.access(hook, os.X_OK)
    photos.info = photos.info[photos.info["Name"] != "photo000.png"]
    photos.write()
    (repository / "raw" / "images" / "photo000.png").unlink()
    pin(data_config)
    git(repository, "commit", "-qam", "five photos")
    said = git(repository, "checkout", "HEAD~1")
    assert "this commit works with" in said
    assert "(6 photos, 6 boxes), " in said
    assert "raw is at" in said
    assert "`sparrow data pull --config 'my config.yaml'` makes the data" in said


def test_a_hook_of_somebody_else_stays(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(DataError, match=r"this hook is not Sparrow's. Add to it:\n\[ ! -x"):
        install_hook(repository / "my config.yaml", repository)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_no_repository_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(DataError, match="git says: fatal: not a git repository"):
        install_hook(tmp_path / "config.yaml", tmp_path)
