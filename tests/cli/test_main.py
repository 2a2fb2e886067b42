"""The command line: help for every command, and faults told in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sparrow
from sparrow.cli.main import COMMANDS, main


def test_no_command_is_a_wrong_command_line(capsys):
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.strip() == sparrow.__version__


def test_help_names_every_command_with_a_line(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for command in ("status", "promote", "rollback", "history", "generate", "import", "export"):
        assert command in text


@pytest.mark.parametrize("command", ["status", "promote", "rollback", "history", "generate"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"sparrow {command}" in capsys.readouterr().out


def test_a_command_nobody_knows(capsys):
    with pytest.raises(SystemExit) as left:
        main(["coutn"])
    assert left.value.code == 2
    assert "'coutn'" in capsys.readouterr().err


def test_a_fault_of_input_is_one_line_and_status_one(tmp_path, capsys):
    assert main(["history", "--config", str(tmp_path / "none.yaml")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sparrow history: config ")
    assert "No such file" in captured.err
    assert captured.err.count("\n") == 1


def test_commands_are_modules_that_exist():
    folder = Path(sparrow.__file__).parent / "cli"
    assert {f"{name}.py" for name in COMMANDS} <= {path.name for path in folder.iterdir()}


def test_help_imports_nothing_heavy():
    """`sparrow --help` must answer at once."""
    heavy = ["torch", "mlflow", "optuna", "metaflow", "bentoml", "matplotlib", "pandera"]
    code = (
        "import sys\nfrom sparrow.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(sparrow.__file__).parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert run.stdout.splitlines()[-1] == "[]"
