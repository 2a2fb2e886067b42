"""Run changes of champion in processes that are killed (SIGKILL) just before a chosen effect.

usage: kill_promotion.py TEMPLATE PLACE < scenarios.json

``TEMPLATE`` is a root of stores (see ``conftest.py``). Each scenario is a list of stages; the
commands of a stage run at once, each in a process of its own, and a stage begins when the one
before it has ended. A command is a list: what to do, and the effect before which it is killed, or
null. Prints a JSON line per scenario: how each command ended, and what the stores say then.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from sparrow.config import StoresConfig
from sparrow.inference.model_folder import INFO
from sparrow.registry import publisher as module
from sparrow.registry.promotion_log import PromotionLog
from sparrow.registry.published import PublishedFolders
from sparrow.registry.registry import Registry
from sparrow.regular_file import sha256_of

NAME = "test-detector"


def main(template: Path, place: Path) -> None:
    """See the module."""
    # What is imported late is so before the first fork, and not once more in every child.
    act(fresh_copy(template, place / "first"), "promote 3", None)
    for scenario in json.load(sys.stdin):
        stores = fresh_copy(template, place / "next")
        ends = [run_at_once(stores, stage) for stage in scenario]
        state = in_child(lambda stores=stores: read_state(stores))()
        print(json.dumps({"ends": ends, "state": state[1]}), flush=True)


def fresh_copy(template: Path, place: Path) -> StoresConfig:
    """The template's stores in another place; artifacts are only read, and stay where they are."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place, symlinks=True)
    stores = StoresConfig.model_validate_json((template / "stores.json").read_text())
    moved = {
        key: getattr(stores, key).replace(str(template), str(place))
        for key in ("tracking", "promotion_log", "champion")
    }
    return stores.model_copy(update=moved)


def run_at_once(stores: StoresConfig, commands: list[list[Any]]) -> list[Any]:
    """How each ended: ["killed", null], ["done", result] or ["refused", why]."""
    waiting = [in_child(lambda one=one: act(stores, *one)) for one in commands]
    return [wait() for wait in waiting]


def act(stores: StoresConfig, what: str, effect: str | None) -> Any:
    """A command of a person or of the flow."""
    if effect is not None:
        die_before(effect)
    registry = Registry(stores, NAME)
    verb, _, number = what.partition(" ")
    if verb == "rollback":
        return registry.rollback("it sees ghosts")
    if verb == "reconcile":
        champion = registry.reconcile().champion
        return champion.number if champion else None
    return registry.promote(int(number), "it is better")


def die_before(effect: str) -> None:
    """Replace the function that has the effect by the process's death."""

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    places = {
        "download": (module, "download_version"),
        "folder": (PublishedFolders, "store"),
        "log": (PromotionLog, "append"),
        "link": (Path, "symlink_to"),
    }
    if effect in places:
        setattr(*places[effect], die)
        return
    set_alias = MlflowClient.set_registered_model_alias

    def set_or_die(client: MlflowClient, name: str, alias: str, version: str) -> None:
        if alias == effect:
            die()
        set_alias(client, name, alias, version)

    MlflowClient.set_registered_model_alias = set_or_die


def read_state(stores: StoresConfig) -> dict[str, Any]:
    """What each store says of the champion, asked without settling anything."""
    registry = Registry(stores, NAME)
    client, published = registry.client, Path(stores.champion)
    model = client.get_registered_model(NAME)
    served = published.resolve()
    tags = {str(version.number): version.tags["info_sha256"] for version in registry.versions()}
    return {
        "log": [[entry.from_version, entry.to_version] for entry in registry.history()],
        "aliases": {alias: int(number) for alias, number in model.aliases.items()},
        "link": served.name if served.is_dir() else None,
        "whole": served.is_dir() and sha256_of(served / INFO) == tags[served.name],
        "left": sorted(path.name for path in served.parent.glob("*") if not path.name.isdigit()),
    }


def in_child(work: Callable[[], Any]) -> Callable[[], list[Any]]:
    """Begin ``work`` in a forked process; the result waits for its end."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            end = ["done", work()]
        except RuntimeError as error:
            end = ["refused", str(error)]
        except BaseException as error:
            end = ["broken", repr(error)]
        with os.fdopen(writer, "w") as pipe:
            json.dump(end, pipe)
        os._exit(0)
    os.close(writer)

    def wait() -> list[Any]:
        with os.fdopen(reader) as pipe:
            text = pipe.read()
        status = os.waitpid(child, 0)[1]
        return ["killed", None] if os.WIFSIGNALED(status) else list(json.loads(text))

    return wait


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
