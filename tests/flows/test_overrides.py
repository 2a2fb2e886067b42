"""``--set`` as it is typed, and as a scheduler hands it on: one text in a variable."""

from __future__ import annotations

import base64
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow._vendor import click

FLOWS = Path(__file__).resolve().parents[2] / "flows"
OVERRIDES = runpy.run_path(str(FLOWS / "overrides.py"))
VARIABLE = "METAFLOW_INIT_SET"


def given(command: str, *words: str) -> object:
    option = click.Option(["--set"], multiple=True, callback=OVERRIDES["overrides_given"])
    parent = click.Context(click.Command("flow"), auto_envvar_prefix="METAFLOW")
    context = click.Command(command, params=[option]).make_context(command, list(words), parent)
    return context.params["set"]


def test_nothing_given_is_nothing() -> None:
    assert given("run") is None
    assert given("trigger") is None


def test_typed_texts_stay_as_they_are() -> None:
    assert given("run", "--set", "data.classes=[a, b]", "--set", "seed=1") == (
        "data.classes=[a, b]",
        "seed=1",
    )


@pytest.mark.parametrize(
    ("text", "overrides"),
    [
        ("seed=1", ("seed=1",)),
        ("seed=1  training.epochs=3", ("seed=1", "training.epochs=3")),
        ("seed=1 'data.classes=[a, b]'", ("seed=1", "data.classes=[a, b]")),
        ('["data.classes=[a,  b]", "seed=1"]', ("data.classes=[a,  b]", "seed=1")),
        ('["name=it\'s"]', ("name=it's",)),
    ],
)
def test_one_text_is_read_as_a_list_or_as_a_shell_does(
    text: str, overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert given("init") == overrides
    assert given("init", "--set", "seed=2") == ("seed=2",)  # a command line goes first


@pytest.mark.parametrize(
    "text",
    [
        "data.classes=[a, b]",  # which of its words belong together would be a guess
        "seed",
        '["seed"]',
        "[1]",
        "{}",
        "name='open",
    ],
)
def test_a_text_that_takes_a_guess_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(OVERRIDES["OverridesError"]) as refused:
        given("init")
    assert text in str(refused.value.message)


def test_what_is_sent_to_argo_arrives_as_it_was_typed(tmp_path: Path) -> None:
    """All the way: what `trigger` sends, Metaflow's own reading of it in a pod, a shell, `init`."""
    typed = ["data.classes=[a, 'b c']", "name=`id`", 'data.plurals={goose: "${HOME}\\n"}']
    sent = given("trigger", *[word for text in typed for word in ("--set", text)])
    assert isinstance(sent, str)
    in_template = base64.b64encode(json.dumps(sent).encode()).decode()  # by Metaflow's client, Argo
    words = [sys.executable, str(FLOWS / "train.py"), "--quiet", "--metadata=local"]
    start = [*words, "init", "--run-id", "argo-1", "--task-id", "1"]
    pod = '"$0" -m metaflow.plugins.argo.set_parameters named "$1" && . ./named && shift && "$@"'
    (tmp_path / ".metaflow").mkdir()
    environment = os.environ | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path)}
    subprocess.run(
        ["sh", "-c", pod, sys.executable, f"set,t,{in_template}", *start],
        cwd=tmp_path, check=True, env=environment,
    )  # fmt: skip
    shown = subprocess.run(
        [*words, "dump", "argo-1/_parameters/1"],
        cwd=tmp_path, check=True, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert f"= {tuple(typed)}\n" in shown.stdout
