"""Champion and candidate on the same photos: what differs, in numbers and on a page."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparrow.config import make_config
from sparrow.detections import Detections
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import read_info, write_info
from sparrow.registry.shadow import Shadow, compare_answers, replay
from sparrow.reports.shadow import shadow_html

LEFT, RIGHT, FAR = (0, 0, 10, 10), (20, 0, 30, 10), (80, 0, 90, 10)


def found(*rows):
    """``found((label, score, box), …)``."""
    boxes = np.array([row[2] for row in rows], dtype=np.float32).reshape(-1, 4)
    labels = np.array([row[0] for row in rows], dtype=np.int64)
    return Detections(boxes, np.array([row[1] for row in rows]), labels)


@pytest.fixture(scope="module")
def info(model_folder):
    return read_info(model_folder).model_copy(update={"threshold": 0.5})


@pytest.fixture(scope="module")
def photos(drawn_dataset):
    return sorted((drawn_dataset / "images").iterdir())[:3]


@pytest.fixture(scope="module")
def engines(model_folder, tmp_path_factory):
    """The test network, which scores everything alike, and the same with a threshold above that."""
    folder = tmp_path_factory.mktemp("shadow") / "model"
    shutil.copytree(model_folder, folder)
    write_info(folder, read_info(folder).model_copy(update={"threshold": 0.9}))
    return Engine(model_folder, 1), Engine(folder, 1)


@pytest.mark.parametrize(
    ("theirs", "ours", "change", "alone_theirs", "alone_ours"),
    [
        ([], [], 0, [], []),
        ([(1, 0.9, LEFT)], [], -1, [True], []),
        # The same box, of another score and a little moved (IoU 0.82).
        ([(1, 0.9, LEFT)], [(1, 0.6, (1, 0, 11, 10))], 0, [False], [False]),
        # As many, but not the same: the count hides it, the boxes do not.
        ([(1, 0.9, LEFT)], [(1, 0.9, FAR)], 0, [True], [True]),
        # One of two stays, and a new one comes; best score first.
        ([(1, 0.9, LEFT), (1, 0.8, RIGHT)], [(1, 0.9, FAR), (1, 0.7, RIGHT)], 0,
         [True, False], [True, False]),
        # Doubled: one twin for each.
        ([(1, 0.9, LEFT)], [(1, 0.9, LEFT), (1, 0.8, LEFT)], 1, [False], [False, True]),
        # Below the threshold is not there.
        ([(1, 0.9, LEFT)], [(1, 0.4, LEFT)], -1, [True], []),
    ],
)  # fmt: skip
def test_what_differs(info, theirs, ours, change, alone_theirs, alone_ours):
    photo = compare_answers(Path("a.jpg"), info, found(*theirs), info, found(*ours))
    assert photo.change == change
    assert photo.champion.alone.tolist() == alone_theirs
    assert photo.candidate.alone.tolist() == alone_ours
    assert photo.differing == sum(alone_theirs) + sum(alone_ours)


def test_classes_are_compared_by_name(info):
    two = info.model_copy(update={"class_names": ("blackbird", "house_sparrow")})
    theirs, sparrow, blackbird = (found((label, 0.9, LEFT)) for label in (1, 2, 1))
    assert compare_answers(Path("a.jpg"), info, theirs, two, sparrow).differing == 0
    assert compare_answers(Path("a.jpg"), info, theirs, two, blackbird).differing == 2


def test_of_several_classes_each_has_its_sums_and_its_colour(info, photos):
    """The candidate calls one of the champion's two birds a goose."""
    config = {**info.config, "data": {"plurals": {"goose": "geese"}}}
    two = info.model_copy(update={"class_names": ("wren", "goose"), "config": config})
    theirs = found((1, 0.9, LEFT), (1, 0.8, RIGHT))
    ours = found((1, 0.9, LEFT), (2, 0.8, RIGHT))
    same = compare_answers(photos[1], two, found((2, 0.9, LEFT)), two, found((2, 0.9, LEFT)))
    shadow = Shadow((compare_answers(photos[0], two, theirs, two, ours), same), ())
    assert "By class: wrens 2 → 1, geese 1 → 2." in shadow.summary()
    page = shadow_html(shadow, "m", "version 1", "version 3")
    assert "champion: 2: 2 wrens<" in page
    assert "candidate: 2: 1 wren, 1 goose<" in page
    assert "wren, only here" in page
    assert "boxes that the other does not have" not in page
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(pictures) == 2  # the photo that is the same is not shown
    assert pictures[0] != pictures[1]


def test_in_sentences(info):
    bird, nothing = found((1, 0.9, LEFT)), found()
    pairs = [(bird, bird), (bird, nothing), (nothing, bird), (bird, found((1, 0.9, FAR)))]
    photos = [compare_answers(Path("a.jpg"), info, a, info, b) for a, b in pairs]
    assert Shadow(tuple(photos), ()).summary() == [
        "2 of 4 photos keep their count (50%); in 1 every box is the same.",
        "More objects: 1 photos; fewer: 1; in all 3 would become 3 (+0.00 a photo).",
    ]


def test_nothing_to_replay(engines):
    assert replay(*engines, []).summary() == ["No photo could be read."]


def test_a_model_agrees_with_itself(engines, photos):
    assert replay(engines[0], engines[0], photos).disagreeing == ()


def test_the_largest_change_comes_first(engines, photos):
    shadow = replay(*engines, photos)
    changes = [one.change for one in shadow.photos]
    assert changes == sorted(changes)
    assert changes[-1] < 0
    assert sum(changes) == -sum(len(one.champion.detections) for one in shadow.photos)
    assert "More objects: 0 photos; fewer: 3" in shadow.summary()[1]


def test_a_photo_that_cannot_be_read_stops_nothing(engines, photos, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    seen = []
    shadow = replay(*engines, [tmp_path / "text.jpg", photos[0]], lambda *done: seen.append(done))
    assert [path.name for path, _ in shadow.unreadable] == ["text.jpg"]
    assert len(shadow.photos) == 1
    assert seen == [(1, 2), (2, 2)]
    assert "Could not be read: 1." in shadow.summary()
    assert "text.jpg" in shadow_html(shadow, "m", "version 1", "version 3")


def test_the_page_needs_nothing_else(engines, photos):
    shadow = replay(*engines, photos)
    hidden = {shadow.disagreeing[2].path}  # its licence forbids to show it
    page = shadow_html(shadow, "a<b", "version 1", "version 3", hidden)
    assert "a&lt;b" in page
    assert "http" not in page
    pictures = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(pictures) == 4  # two photos, two sides
    sides = [Image.open(io.BytesIO(base64.b64decode(picture))) for picture in pictures[:2]]
    assert sides[0].size == sides[1].size
    assert max(sides[0].size) <= 480
    assert pictures[0] != pictures[1]
    assert "1 more, without pictures" in page  # the hidden one is a row


def test_a_count_that_reaches_the_maximum_is_a_minimum(info):
    section = {**info.config.get("model", {}), "box_detections_per_image": 1}
    most = info.model_copy(update={"config": {**info.config, "model": section}})
    boxes = found((1, 0.9, LEFT))
    photo = compare_answers(Path("a.jpg"), info, boxes, most, boxes)
    assert (photo.champion.low, photo.candidate.low, photo.candidate.high) == (None, 1, None)
    summary = Shadow((photo,), ()).summary()
    assert summary[-1].startswith("Some counts reach the most that their model finds")
    assert (
        len(Shadow((compare_answers(Path("a.jpg"), info, boxes, info, boxes),), ()).summary()) == 2
    )


def test_photos_of_the_set_are_hidden_by_their_licence(drawn_dataset, photos, tmp_path):
    from sparrow.cli.shadow import _hidden

    license = "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"
    mine = tmp_path / photos[0].name  # of the same name, but no photo of the set
    link = tmp_path / "link.jpg"
    link.symlink_to(photos[0])

    def hidden(licences, root=drawn_dataset):
        config = make_config({"data": {"root": str(root), "show_licenses": licences}})
        return _hidden([photos[0], mine, link], config)

    assert hidden(None) == hidden([license]) == set()
    assert hidden([]) == {photos[0], link}
    assert hidden([], tmp_path) == set()
