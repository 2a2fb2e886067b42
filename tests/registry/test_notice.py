"""NOTICE, licence texts and the Space's README, from the licence ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from huggingface_hub import SpaceCard

from sparrow.data.licence_ledger import LicenceLedger
from sparrow.inference.model_folder import LICENCES, ModelFolderError, read_info, write_info
from sparrow.registry.notice import LICENSE, NOTICE, START_TEXT, folder_licence, write_notices
from sparrow.registry.space_card import space_readme

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-serve.lock"
BY = "Attribution 2.0 Generic (CC BY 2.0)"
NC = "Attribution-NonCommercial 2.0 Generic (CC BY-NC 2.0)"
CC0 = "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"
SHOWN = f"Photo 1.jpg by Ann\nB (Flickr), {BY}; modified: boxes drawn in"


def ledger(train, start="none", text=None, shown=()):
    return LicenceLedger(
        photos={"train": train, "validation": {CC0: 2}, "test": {}},
        authors=dict.fromkeys(train, 2),
        shown=shown, start=start, start_licence="whose", start_text=text,
    )  # fmt: skip


@pytest.fixture
def written(write_small_model, tmp_path):
    """Writes the notices of a model with a ledger; the folder they are in."""

    def write(made, **values):
        model = write_small_model(tmp_path / "model", **values)
        if made is not None:
            (model / LICENCES).write_text(made.model_dump_json())
            write_info(model, read_info(model))
        write_notices(model, read_info(model), tmp_path)
        return tmp_path

    return write


def test_a_model_of_an_earlier_release_has_a_notice_that_says_so(written):
    text = (written(None) / NOTICE).read_text()
    assert "did not note licences" in text
    assert "Apache License 2.0" in text


def test_licences_are_counted_and_their_terms_named(written):
    folder = written(ledger({BY: 3, NC: 1}, shown=(SHOWN,)))
    text = (folder / NOTICE).read_text()
    assert "trained on 4 photos" in text
    assert f"  3 by 2 known authors: {BY}\n    https://creativecommons.org/licenses/by/2.0/" in text
    assert "2 others chose its threshold" in text
    assert "0 others measured its scores:\n\n  none" in text
    assert "NC (non-commercial): the author does not permit commercial use of the photo." in text
    assert "SA (" not in text
    assert "is not decided\nhere" in text
    assert "Photo 1.jpg by Ann B (Flickr)" in " ".join(text.split())
    assert (folder / LICENSE).read_text() == (ROOT / "LICENSE").read_text()
    assert not (folder / START_TEXT).exists()


def test_of_cc0_photos_nothing_is_asked(written):
    text = (written(ledger({CC0: 5})) / NOTICE).read_text()
    assert "have waived their rights" in text
    assert "is not decided" not in text
    assert "No photo is shown" in text


def test_the_licence_of_the_starting_weights_goes_along(written):
    folder = written(ledger({CC0: 5}, start="coco", text="BSD 3-Clause License"))
    assert (folder / START_TEXT).read_text() == "BSD 3-Clause License"
    assert (
        f"Starting weights (coco): whose. Its text is in {START_TEXT}."
        in (folder / NOTICE).read_text()
    )


def test_every_package_that_is_installed_has_a_line(written):
    text = (written(None) / NOTICE).read_text()
    pins = [line for line in LOCK.read_text().splitlines() if "==" in line]
    for line in pins:
        name, version = line.split(";")[0].strip().split("==")
        assert f"  {name} {version}: " in text
    # Those of this environment tell their licence.
    assert text.count("not stated") + text.count("not read") < len(pins) // 10


@pytest.mark.parametrize("text", ["", "{}", '{"photos": 3}'])
def test_a_damaged_ledger_is_refused(write_small_model, tmp_path, text):
    model = write_small_model(tmp_path / "model")
    (model / LICENCES).write_text(text)
    with pytest.raises(ModelFolderError, match="not a licence ledger"):
        write_notices(model, read_info(model), tmp_path)


@pytest.mark.parametrize(
    ("made", "licence"),
    [
        (None, "other"),
        (ledger({}), "apache-2.0"),
        (ledger({CC0: 3}), "apache-2.0"),
        (ledger({CC0: 3, BY: 1}), "other"),
        (ledger({CC0: 3}, start="coco"), "other"),
    ],
)
def test_the_licence_of_the_whole(made, licence):
    assert folder_licence(made) == licence


def test_a_space_has_a_head_that_hugging_face_reads(write_small_model, tmp_path):
    names = ("house_sparrow", "Blue Tit: 'x' #1")
    model = write_small_model(
        tmp_path / "model",
        class_names=names,
        name="two: birds",
        metrics={"recall": [0.5, 0.4, 0.6]},
    )
    text = space_readme(model, read_info(model), "7", LOCK)
    card = SpaceCard(text)
    assert card.data.title == "two: birds"
    assert (card.data.sdk, card.data.app_file, card.data.python_version) == (
        "gradio", "app.py", "3.11",
    )  # fmt: skip
    assert f"gradio=={card.data.sdk_version}\n" in LOCK.read_text()
    assert card.data.license == "other"
    assert card.data.tags == [
        "object-detection",
        "counting",
        "onnx",
        "house-sparrow",
        "blue-tit-x-1",
    ]
    head = yaml.safe_load(text.split("---\n")[1])
    assert head["license_link"] == NOTICE
    assert head["pipeline_tag"] == "object-detection"
    assert len(head["short_description"]) <= 60
    assert "| recall | 0.500 (0.400 to 0.600) |" in text
    assert "version 7" in text
    assert "card.md" not in text  # this model has none


def test_a_space_of_free_photos_is_under_the_codes_licence(write_small_model, tmp_path):
    model = write_small_model(tmp_path / "model")
    (model / LICENCES).write_text(ledger({CC0: 3}).model_dump_json())
    head = yaml.safe_load(space_readme(model, read_info(model), "1", LOCK).split("---\n")[1])
    assert head["license"] == "apache-2.0"
    assert "license_link" not in head
