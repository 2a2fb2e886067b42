"""``data.classes`` of a run whose config names none: settled once, then the same in all of it.

Steps, resumptions and the hashes that decide what is taken over all see the settled list, as if
the config had named it.
"""

from __future__ import annotations

import json
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import Config, plural_faults, with_values
from sparrow.data.errors import DataError
from sparrow.data.ingest.set_classes import SetClasses, read_set_classes, save_classes

SETTLED = "classes.json"  # in the run's folder


def with_classes(config: Config, work_dir: Path | None = None) -> Config:
    """The config with the classes that its run has settled, or would settle now.

    A config that names its classes is returned as it is.

    Args:
        work_dir: of the run; None where there is no run.

    Raises:
        DataError: none is settled yet, and the set has none (or see ``read_set_classes``).
    """
    if config.data.classes:
        return config
    settled = settled_classes(work_dir) if work_dir else ()
    return _named(config, settled or _some_classes(config).names)


def with_settled_classes(config: Config, work_dir: Path) -> Config:
    """The config with the classes that its run has settled; as it is where it has not yet."""
    settled = () if config.data.classes else settled_classes(work_dir)
    return _named(config, settled) if settled else config


def settle_classes(config: Config, work_dir: Path) -> list[str]:
    """Settle the classes of a run whose config names none: they are kept with it and with the set.

    A run that is resumed keeps those that it has.

    Returns:
        What a person is to know; empty where the config names its classes.

    Raises:
        DataError: the set has none, or ``data.plurals`` names another; or see ``read_set_classes``
            and ``save_classes``.
    """
    if config.data.classes or settled_classes(work_dir):
        return []
    listed = _some_classes(config)
    if faults := plural_faults(config.data, listed.names):
        raise DataError("; ".join(faults))
    save_classes(Path(config.data.root), listed.of_set)
    work_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(work_dir / SETTLED, json.dumps(listed.names, ensure_ascii=False) + "\n")
    return list(listed.lines)


def _some_classes(config: Config) -> SetClasses:
    listed = read_set_classes(config.data)
    if not listed.names:
        raise DataError(
            f"{config.data.root}: no box is in it, so that it has no class, and data.classes names "
            "none. Take in photos with boxes, or name what is counted: "
            "--set 'data.classes=[raccoon]'"
        )
    return listed


def settled_classes(work_dir: Path) -> tuple[str, ...]:
    """Of a run; empty where it has settled none yet."""
    path = work_dir / SETTLED
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else ()


def _named(config: Config, names: tuple[str, ...]) -> Config:
    return with_values(config, {"data.classes": list(names)})
