from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sparrow.data.licence_ledger import LicenceLedger, conditions, is_cc0, licence_url, make_ledger
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, Dataset

BY = "Attribution 2.0 Generic (CC BY 2.0)"
NC = "Attribution-NonCommercial 2.0 Generic (CC BY-NC 2.0)"
CC0 = "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"
NOTHING = ("none", "no weights", None)


def photos(*rows: tuple[str, str, str]) -> Dataset:
    """Photos of (author, licence, split)."""
    table = [
        (f"{n}.jpg", author, 0, "S", licence, 4, 3) for n, (author, licence, _) in enumerate(rows)
    ]
    images = pd.DataFrame(table, columns=list(IMAGE_COLUMNS)).assign(split=[row[2] for row in rows])
    return Dataset(Path("raw"), images, pd.DataFrame([], columns=list(BOX_COLUMNS)))


def test_of_no_photos_it_counts_none() -> None:
    ledger = make_ledger(photos(), (), NOTHING)
    assert ledger.photos == {"train": {}, "validation": {}, "test": {}}
    assert ledger.authors == {}


def test_photos_by_split_and_authors_of_training_photos() -> None:
    dataset = photos(
        ("Ann", BY, "train"), ("Ann", BY, "train"), ("unknown", BY, "train"), ("Bob", NC, "train"),
        ("Cy", NC, "test"), ("Di", CC0, "validation"),
    )  # fmt: skip
    ledger = make_ledger(dataset, ("Photo 4.jpg by Cy",), ("coco", "BSD", "text"))
    assert ledger.photos == {
        "train": {BY: 3, NC: 1}, "validation": {CC0: 1}, "test": {NC: 1},
    }  # fmt: skip
    assert ledger.authors == {BY: 1, NC: 1}  # Ann; "unknown" is nobody
    assert (ledger.start, ledger.start_licence, ledger.start_text) == ("coco", "BSD", "text")
    assert LicenceLedger.model_validate_json(ledger.model_dump_json()) == ledger


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("", None),
        ("all rights reserved", None),
        ("MIT", None),
        (BY, "https://creativecommons.org/licenses/by/2.0/"),
        (NC, "https://creativecommons.org/licenses/by-nc/2.0/"),
        ("CC BY-NC-SA 4.0", "https://creativecommons.org/licenses/by-nc-sa/4.0/"),
        ("CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/"),
        ("https://example.org/terms", "https://example.org/terms"),
        ("javascript:alert(1)", None),
        ("cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
        (CC0, "https://creativecommons.org/publicdomain/zero/1.0/"),
    ],
)
def test_the_address_of_a_licence(name: str, address: str | None) -> None:
    assert licence_url(name) == address


def test_conditions_beyond_attribution() -> None:
    assert conditions({}) == conditions({BY: 3, CC0: 2, "mine": 1}) == set()
    assert conditions({NC: 1, "CC BY-SA 2.0": 1, "CC BY-NC-ND 4.0": 1}) == {"NC", "SA", "ND"}
    assert is_cc0(CC0)
    assert not is_cc0(BY)
