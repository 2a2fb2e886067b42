"""The class names of a YOLO set: every source that there is, and all must say the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import read_text
from sparrow.data.formats.source_files import SourceFiles

_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
_ABOVE = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt")  # one level above the folder


@dataclass(frozen=True)
class ClassNames:
    """Class names in the order of their numbers.

    Attributes:
        names: of class 0, 1 …
        sources: the files that say so.
        keypoints: numbers behind the box in each line, where the set has keypoints.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...]
    keypoints: int = 0


def is_class_list(name: str) -> bool:
    """Whether a file of this name lists classes, one a line."""
    last = PurePosixPath(name).name.lower()
    return last in _LISTS or last.endswith(".names")


def is_class_source(name: str) -> bool:
    """Whether a file of this name tells that a set is YOLO's, even where no photo has a box."""
    return is_class_list(name) or PurePosixPath(name).name.lower() in _ABOVE


def read_class_names(files: SourceFiles) -> ClassNames:
    """The class names of a set, from inside its folder, else from one level above.

    Raises:
        DataError: there are none, two sources contradict each other, or one is damaged.
    """
    paths = [
        files.path(n) for n in files.names if is_class_list(n) or n.endswith((".yaml", ".yml"))
    ]
    above = [files.root.resolve().parent / name for name in _ABOVE]
    for group in (paths, [path for path in above if path.is_file()]):
        sources = {path: said for path in group if (said := _read(path)) is not None}
        if sources:
            return _agreed(sources)
    raise DataError("expected classes.txt, data.yaml or obj.names with the class names")


def _agreed(sources: dict[Path, ClassNames]) -> ClassNames:
    # A list without names says nothing: an export of photos without boxes has no classes.
    telling = {path: said for path, said in sources.items() if said.names} or sources
    (first, names), *others = telling.items()
    for path, other in others:
        if other.names != names.names:
            raise DataError(
                f"two sources name the classes differently: {first} says "
                f"{', '.join(names.names)}, {path} says {', '.join(other.names)}; "
                "remove the one that is wrong"
            )
    keypoints = max(said.keypoints for said in sources.values())
    return ClassNames(names.names, tuple(str(path) for path in sources), keypoints)


def _read(path: Path) -> ClassNames | None:
    """What one file says; None of a YAML file that is about something else."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return _read_yaml(path)
    lines = [line.strip() for line in read_text(path).rstrip().splitlines()]
    if "" in lines:
        raise DataError(
            f"{path}, line {lines.index('') + 1}: is blank, so that the numbers of the classes "
            "after it cannot be told; write a name there, or remove the line"
        )
    return ClassNames(tuple(lines), (str(path),))


def _read_yaml(path: Path) -> ClassNames | None:
    try:
        tree = yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not valid YAML ({error})") from error
    if not isinstance(tree, dict) or not {"names", "nc"} & tree.keys():
        if path.stem in ("data", "dataset"):
            raise DataError(f"{path}: expected names: a list, or a mapping from 0, 1, … to names")
        return None
    names = tree.get("names")
    if isinstance(names, dict) and sorted(names, key=str) == sorted(range(len(names)), key=str):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list):
        raise DataError(f"{path}: expected names: a list, or a mapping from 0, 1, … to names")
    if tree.get("nc") not in (None, len(names)):
        raise DataError(f"{path}: says nc: {tree['nc']}, but names {len(names)} classes")
    shape = tree.get("kpt_shape")
    keypoints = shape[0] * shape[1] if isinstance(shape, list) and len(shape) == 2 else 0
    return ClassNames(tuple(str(name).strip() for name in names), (str(path),), keypoints)
