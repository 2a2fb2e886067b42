"""NOTICE and licence texts of what leaves this machine: a Bento, a Space.

Made from the model's licence ledger. It says what is inside and under which licence, in the words
of the licences; what they mean for a model is for its user to decide, and the notice says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from pydantic import ValidationError

from sparrow.data.licence_ledger import LicenceLedger, conditions, is_cc0, licence_url
from sparrow.inference.model_folder import LICENCES, ModelFolderError, ModelInfo
from sparrow.plain_text import one_line
from sparrow.shipped import SERVE_LOCK, shipped

NOTICE, LICENSE, TEXTS = "NOTICE", "LICENSE", "licenses"
START_TEXT = f"{TEXTS}/starting-weights.txt"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)")
_CONDITIONS = {
    "NC": "NC (non-commercial): the author does not permit commercial use of the photo.",
    "SA": "SA (share alike): who publishes a changed photo does so under the same licence.",
    "ND": "ND (no derivatives): the author does not permit publishing changed versions.",
}  # fmt: skip


def write_notices(model: Path, info: ModelInfo, into: Path) -> None:
    """Write ``NOTICE``, ``LICENSE`` and ``licenses/`` beside what ships.

    Args:
        model: the model folder that ships.
        info: its ``model.json``.
        into: the folder that ships.

    Raises:
        ModelFolderError: the model's licence ledger is not one.
    """
    ledger, lock = read_ledger(model), shipped(SERVE_LOCK)
    own = shipped(LICENSE)
    if own.is_file():
        (into / LICENSE).write_bytes(own.read_bytes())
    (into / TEXTS).mkdir(exist_ok=True)
    if ledger is not None and ledger.start_text is not None:
        (into / START_TEXT).write_text(ledger.start_text, encoding="utf-8")
    sections = [_software(), *_model(info, ledger), _packages(lock)]
    (into / NOTICE).write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def read_ledger(model: Path) -> LicenceLedger | None:
    """The licence ledger of a model folder; None where an earlier release made it.

    Raises:
        ModelFolderError: the file is not one.
    """
    path = model / LICENCES
    try:
        return LicenceLedger.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} is not a licence ledger: {error}") from error


def folder_licence(ledger: LicenceLedger | None) -> str:
    """The one licence of all that ships, in Hugging Face's words; ``other`` where it is not one."""
    if ledger is None or ledger.start != "none":
        return "other"
    names = {name for split in ledger.photos.values() for name in split}
    return "apache-2.0" if all(map(is_cc0, names)) else "other"


def _software() -> str:
    return (
        "Sparrow\n\n"
        "The code in sparrow/ and service/ is under the Apache License 2.0; its text is in "
        f"{LICENSE}.\n"
        "The example photos in service/examples/ were drawn by Sparrow's program and are under "
        "CC0 1.0\n(https://creativecommons.org/publicdomain/zero/1.0/)."
    )


def _model(info: ModelInfo, ledger: LicenceLedger | None) -> Iterator[str]:
    """What the model learned from, shows and started from."""
    yield f"The model {info.name} (data version {info.data_version}), in model/"
    if ledger is None:
        yield (
            "It was made by a release that did not note licences. model/card.md, where it is "
            "there,\ncounts the licences of its photos."
        )
        return
    if info.starter is not None:
        text = f" The text of the package's is in {START_TEXT}." if ledger.start_text else ""
        yield (
            f"It is a starter: the weights are those of {info.starter.network}, from "
            f"{one_line(info.starter.package)}.\nNo photo was added to what its authors trained it "
            f"on.\n\nLicence: {one_line(ledger.start_licence)}.{text}"
        )
        return
    training = ledger.photos["train"]
    yield f"It was trained on {sum(training.values()):,} photos:\n\n" + _counted(
        training, ledger.authors
    )
    for split, job in (("validation", "chose its threshold"), ("test", "measured its scores")):
        counts = ledger.photos[split]
        yield f"{sum(counts.values()):,} others {job}:\n\n" + _counted(counts)
    yield from _meaning({name for split in ledger.photos.values() for name in split}, training)
    yield _shown(ledger)
    text = f" Its text is in {START_TEXT}." if ledger.start_text else ""
    yield f"Starting weights ({ledger.start}): {one_line(ledger.start_licence)}.{text}"


def _counted(counts: Mapping[str, int], authors: Mapping[str, int] | None = None) -> str:
    """A line for each licence, with the address of its text."""
    lines = []
    for name, photos in counts.items():
        by = f" by {authors[name]:,} known authors" if authors and name in authors else ""
        address = licence_url(name)
        where = f"\n    {address}" if address and address != name else ""
        lines.append(f"  {photos:,}{by}: {one_line(name)}{where}")
    return "\n".join(lines) or "  none"


def _meaning(names: set[str], training: Mapping[str, int]) -> Iterator[str]:
    if not names or all(map(is_cc0, names)):
        yield "The authors of all these photos have waived their rights (CC0)."
        return
    yield (
        "Each photo is its author's, under the licence named. None of them is in this folder but "
        "those\nnamed below. These licences set terms for copying, changing and publishing the "
        "photos. Whether\nthey, or the law where you are, set terms for a model that learned from "
        "the photos is not decided\nhere: who publishes or sells the model, or what is made with "
        "it, has to decide that."
    )
    named = [f"  {words}" for part, words in _CONDITIONS.items() if part in conditions(training)]
    if named:
        yield "Terms of photos that it was trained on:\n\n" + "\n".join(named)
    yield "To train on photos under chosen licences alone, name them in the config: split.licenses."


def _shown(ledger: LicenceLedger) -> str:
    if not ledger.shown:
        return "No photo is shown in the pages of the model."
    lines = "\n".join(f"  {one_line(' '.join(text.split()))}" for text in ledger.shown)
    return f"Photos shown in model/card.html:\n\n{lines}"


def _packages(lock: Path) -> str:
    """The packages that are installed for it, with the licence that each names itself."""
    text = lock.read_text(encoding="utf-8")
    pins = [match.groups() for match in map(_PIN.match, text.splitlines()) if match]
    lines = [f"  {name} {version}: {_licence_of(name, version)}" for name, version in pins]
    return (
        "Packages. None is in this folder; they are installed from a package index, each under its "
        "own\nlicence, here as its metadata names it:\n\n" + "\n".join(lines)
    )


def _licence_of(name: str, version: str) -> str:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return "not installed where this was made, and so not read"
    if installed.version != version:
        return f"not read: {installed.version} was installed where this was made"
    return _stated_licence(installed)


def _stated_licence(package: Distribution) -> str:
    metadata = package.metadata
    if "License-Expression" in metadata:
        return one_line(metadata["License-Expression"])
    classifiers = metadata.get_all("Classifier") or []
    named = [text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License :: ")]
    if named:
        return ", ".join(sorted(set(named)))
    stated = metadata["License"].strip() if "License" in metadata else ""
    return one_line(stated.partition("\n")[0]) or "not stated"
