"""A change of champion killed before any of its effects: the next command, whichever it is, makes
log, link and aliases agree again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import StoresConfig
from sparrow.release.registry import Registry

NAME = "test-detector"
EFFECTS = ("download", "folder", "log", "link", "previous", "champion")
NEXT = ("promote 3", "promote 1", "promote 2", "rollback", "settle")


@pytest.fixture(scope="module")
def template(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores in which version 2 is champion after version 1; version 3 was never fetched."""
    import shutil

    root = tmp_path_factory.mktemp("template")
    shutil.copy(filled / "mlflow.db", root / "mlflow.db")
    stores = StoresConfig(
        tracking=f"sqlite:///{root}/mlflow.db",
        artifacts=str(filled / "artifacts"),
        promotion_log=f"sqlite:///{root}/promotions.db",
        champion=str(root / "champion"),
    )
    registry = Registry(stores, NAME)
    registry.promote(1, "the first")
    registry.promote(2, "better")
    (root / "stores.json").write_text(stores.model_dump_json())
    return root


def play(template: Path, tmp_path: Path, scenarios: list[Any]) -> list[dict[str, Any]]:
    script = Path(__file__).with_name("kill_promotion.py")
    done = subprocess.run(
        [sys.executable, str(script), str(template), str(tmp_path / "place")],
        input=json.dumps(scenarios),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(scenarios)
    return results


def check_agreement(state: dict[str, Any]) -> None:
    """Log, link and aliases say the same, and each entry begins where the one before it ended."""
    log = state["log"]
    assert [entry[0] for entry in log] == [None, *(entry[1] for entry in log[:-1])]
    before, champion = log[-1]
    assert state["aliases"] == {"champion": champion, "previous": before}
    assert state["link"] == str(champion)
    assert state["whole"]
    assert state["left"] == []


def expected_log(killed: str, effect: str, then: str) -> list[list[int | None]]:
    """What people asked for, once each: a killed change counts from its entry in the log on."""
    log: list[list[int | None]] = [[None, 1], [1, 2]]
    written = EFFECTS.index(effect) > EFFECTS.index("log")
    if written:
        log.append([2, 3 if killed == "promote 3" else 1])
    if then == "settle" or (killed == then == "rollback" and written):
        return log  # what was begun is finished, and not undone
    before, champion = log[-1]
    wanted = before if then == "rollback" else int(then.split()[1])
    return log if wanted == champion else [*log, [champion, wanted]]


def test_whatever_comes_next_everything_agrees_again(template: Path, tmp_path: Path) -> None:
    cases = [
        (killed, effect, then)
        for killed, effect, then in product(("promote 3", "rollback"), EFFECTS, NEXT)
        # The version that a rollback goes back to lies here already.
        if not (killed == "rollback" and effect in ("download", "folder"))
    ]
    scenarios = [[[[killed, effect]], [[then, None]]] for killed, effect, then in cases]
    for case, result in zip(cases, play(template, tmp_path, scenarios), strict=True):
        (first,), (second,) = result["ends"]
        assert first == ["killed", None], case
        assert second[0] == "done", (case, second)
        assert result["state"]["log"] == expected_log(*case), case
        check_agreement(result["state"])
