"""A change of champion killed before any of its effects: the next command, whichever it is, makes
log, link and aliases agree again.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import StoresConfig
from sparrow.registry.promotion_log import Change
from sparrow.registry.registry import Registry
from sparrow.registry.versions import RegistryError

NAME = "test-detector"
EFFECTS = ("download", "folder", "log", "link", "previous", "champion")
NEXT = ("promote 3", "promote 1", "promote 2", "rollback", "reconcile")


@pytest.fixture(scope="module")
def template(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores in which version 2 is champion after version 1; version 3 was never fetched."""
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
    if then == "reconcile" or (killed == then == "rollback" and written):
        return log  # what was begun is finished, and not undone
    before, champion = log[-1]
    wanted = before if then == "rollback" else int(then.split()[1])
    return log if wanted == champion else [*log, [champion, wanted]]


CASES = [
    # Before the entry in the log nothing has changed, whatever was killed.
    ("promote 3", "download", "promote 1"),
    ("promote 3", "folder", "rollback"),
    ("promote 3", "log", "promote 3"),
    ("rollback", "log", "rollback"),
    # After it, every command meets a change that is half done.
    *product(["promote 3"], ["link", "champion"], NEXT),
    *product(["rollback"], ["champion"], NEXT),
    *product(["rollback"], ["link"], ["rollback", "promote 3"]),
    *product(["promote 3", "rollback"], ["previous"], ["rollback"]),
]


@pytest.mark.slow
def test_whatever_comes_next_everything_agrees_again(template: Path, tmp_path: Path) -> None:
    scenarios = [[[[killed, effect]], [[then, None]]] for killed, effect, then in CASES]
    for case, result in zip(CASES, play(template, tmp_path, scenarios), strict=True):
        (first,), (second,) = result["ends"]
        assert first == ["killed", None], case
        assert second[0] == "done", (case, second)
        assert result["state"]["log"] == expected_log(*case), case
        check_agreement(result["state"])


@pytest.mark.kills
def test_two_promotions_and_a_rollback_at_once(template: Path, tmp_path: Path) -> None:
    """Each is done, or refused because another was quicker; none is half done, none lost."""
    at_once = [["promote 3", None], ["promote 1", None], ["rollback", None]]
    killed_too = [["promote 3", "champion"], ["rollback", "link"], ["promote 1", None]]
    for result in play(template, tmp_path, [[at_once], [at_once], [killed_too, at_once]]):
        check_agreement(result["state"])
        ends = result["ends"][-1]
        assert {end[0] for end in ends} <= {"done", "refused"}
        assert any(end[0] == "done" for end in ends)
        for kind, said in ends:
            if kind == "refused":
                assert "look at `sparrow history` and decide again" in said


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_killed_change_whose_model_is_lost_does_not_block_another(
    stores: StoresConfig, artifacts: Path, lost: int, caplog: Any
) -> None:
    """The log says it is champion, but the artifact store does not have it any more."""
    registry = Registry(stores, NAME)
    first, other = (one for one in (1, 2, 3) if one != lost)
    registry.promote(first, "the first")
    registry._log.append(1, first, Change(lost, "better"))  # killed here
    registry.fetch(other)
    shutil.rmtree(artifacts)
    registry.promote(other, "that one is lost")
    assert f"version {lost} is champion by the promotion log, but cannot be pub" in caplog.text
    assert Path(stores.champion).resolve().name == str(other)
    assert registry.aliased("champion").number == other
    assert registry.aliased("previous").number == lost
    with pytest.raises(RegistryError, match=f"version {lost} cannot be fetched"):
        registry.rollback("what will it say")
    assert Path(stores.champion).resolve().name == str(other)


@pytest.mark.parametrize("aliases_set", [0, 1, 2])
def test_a_rollback_that_an_older_release_left_half_done_is_finished(
    stores: StoresConfig, aliases_set: int
) -> None:
    """It set the aliases first, ``previous`` before ``champion``, and the link last."""
    registry = Registry(stores, NAME)
    registry.promote(1, "the first")
    registry.promote(2, "better")
    registry._log.append(2, 2, Change(1, "rollback: it sees ghosts", forced=True))
    for alias, number in (("previous", "2"), ("champion", "1"))[:aliases_set]:
        registry.client.set_registered_model_alias(NAME, alias, number)
    assert Path(stores.champion).resolve().name == "2"
    assert registry.rollback("it sees ghosts") == 1
    assert [entry.to_version for entry in registry.history()] == [1, 2, 1]
    assert registry.aliased("champion").number == 1
    assert registry.aliased("previous").number == 2
    assert Path(stores.champion).resolve().name == "1"
