"""What the loader makes of photos of every kind, and of what is none."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sparrow.images import ImageError
from sparrow.registry.pyfunc import BOX_COLUMNS, CLASS_COLUMNS, _load_pyfunc

# Of a photo of 64 x 64 px, which the engine gets as it is.
BOXES = [[4.0, 4.0, 24.0, 24.0], [30.0, 30.0, 50.0, 50.0]]


COUNT_MODEL = {
    "threshold": 0.5, "confidence": 0.9, "method": "isotonic", "score_knots": [0.1, 0.5, 0.9],
    "chance_knots": [0.0, 0.5, 1.0], "base": 0.0, "scale": 1.0, "spread": [0.1, 0.1, 0.1],
    "reach": 1.6, "photos": 50, "iou": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def model(write_small_model, tmp_path_factory):
    """Finds two house sparrows in every photo, with scores 0.9 and 0.8; its threshold is 0.5."""
    return _load_pyfunc(str(write_small_model(tmp_path_factory.mktemp("model") / "model")))


@pytest.fixture(scope="module")
def pixels():
    return np.full((64, 64, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def content(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def path(content, tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "a.png"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("nothing", [[], (), pd.DataFrame(), pd.DataFrame({"photo": []}), {}])
def test_no_photos_give_an_empty_table_with_its_columns(model, nothing):
    assert list(model.predict(nothing).columns) == list(BOX_COLUMNS)
    assert model.predict(nothing).empty
    assert model.predict(nothing, {"rows": "photos"}).empty


def kinds(path, content, pixels):
    coded = base64.b64encode(content).decode()
    return {
        "path": str(path),
        "Path": path,
        "bytes": content,
        "bytearray": bytearray(content),
        "base64": coded,
        "base64 in lines": "\n".join(coded[i : i + 76] for i in range(0, len(coded), 76)),
        "data URL": f"data:image/png;base64,{coded}",
        "pixels": pixels,
    }


def test_a_photo_of_every_kind_is_the_same_photo(model, path, content, pixels):
    for kind, photo in kinds(path, content, pixels).items():
        cells = pd.Series([photo], dtype=object)
        for given in (photo, [photo], {"photo": [photo]}, cells, pd.DataFrame({"photo": cells})):
            table = model.predict(given)
            assert table[list(BOX_COLUMNS[3:])].to_numpy().tolist() == BOXES, kind
            assert table["score"].tolist() == pytest.approx([0.9, 0.8])
            assert set(table["label"]) == {"house_sparrow"}
            name = str(path) if kind in ("path", "Path") else "photo 1"
            assert set(table["photo"]) == {name}


def test_several_photos_are_told_apart(model, path, content):
    table = model.predict([content, str(path), content])
    assert table["photo"].tolist() == ["photo 1"] * 2 + [str(path)] * 2 + ["photo 3"] * 2
    # What MLflow makes of {"photo": [path, path]}: one cell that holds a list.
    assert len(model.predict(pd.DataFrame({"photo": [[str(path), str(path)]]}))) == 4


def test_min_score_takes_the_place_of_the_threshold(model, content):
    assert len(model.predict(content, {"min_score": 0.85})) == 1
    assert len(model.predict(content, {"min_score": 0.0})) == 2
    assert len(model.predict(content, {"min_score": None})) == 2
    assert model.predict(content, {"min_score": 1}).empty


def test_a_row_a_photo_counts_photos_without_objects_as_well(write_small_model, tmp_path, content):
    empty = _load_pyfunc(str(write_small_model(tmp_path / "model", found=())))
    assert empty.predict([content]).empty
    table = empty.predict([content, content], {"rows": "photos"})
    assert table["photo"].tolist() == ["photo 1", "photo 2"]
    assert table["count"].tolist() == [0, 0]
    assert table["low"].isna().all()  # it has no calibrated count


def test_the_likely_range_is_the_count_models(model_with_range, content):
    model, estimate = model_with_range
    (row,) = model.predict(content, {"rows": "photos"}).to_dict("records")
    assert (row["count"], row["low"], row["high"]) == estimate
    # At another score the range would not be the count's.
    (row,) = model.predict(content, {"rows": "photos", "min_score": 0.85}).to_dict("records")
    assert row["count"] == 1
    assert pd.isna(row["low"])


def test_a_row_a_photo_and_class_counts_every_class(write_small_model, tmp_path, content):
    """Two robins, no wren, a tit without a count model of its own."""
    found = ((1, 0.9, 4, 4, 24, 24), (3, 0.8, 30, 30, 50, 50), (1, 0.7, 8, 30, 24, 50))
    own = {name: {**COUNT_MODEL, "reach": 9.0} for name in ("robin", "wren")}
    folder = write_small_model(
        tmp_path / "m", found, ("robin", "wren", "tit"), class_count_models=own
    )
    model = _load_pyfunc(str(folder))
    assert model.predict([], {"rows": "classes"}).columns.tolist() == list(CLASS_COLUMNS)
    table = model.predict([content, content], {"rows": "classes"})
    assert table["photo"].tolist() == ["photo 1"] * 3 + ["photo 2"] * 3
    assert table["label"].tolist() == ["robin", "wren", "tit"] * 2
    assert table["count"].tolist() == [2, 0, 1] * 2
    assert table["low"].isna().tolist() == [False, False, True] * 2
    table = model.predict(content, {"rows": "classes", "min_score": 0.75})
    assert table["count"].tolist() == [1, 0, 1]
    assert table["low"].isna().all()


@pytest.fixture
def model_with_range(write_small_model, tmp_path):
    from sparrow.inference.counter import PhotoCounter
    from sparrow.inference.trial_photos import trial_photos

    folder = write_small_model(tmp_path / "model", count_model={**COUNT_MODEL, "reach": 9.0})
    counted, _ = PhotoCounter(folder).count(trial_photos()[0].content, "a", "cli")
    record = counted.record
    assert record.count_low < record.count_high
    return _load_pyfunc(str(folder)), (record.count, record.count_low, record.count_high)


@pytest.mark.parametrize(
    ("photo", "says"),
    [
        ("missing.jpg", "no such file, and it is no base64 text: 'missing.jpg'"),
        ("", "no such file"),
        ("abcd", "'abcd' is no file, and as base64 text it is no photo"),
        ("data:image/png;base64,", "no base64 text"),
        ("a" * 5000, "as base64 text it is no photo"),
        ("a\0b", "no such file"),
        ("/", "photo 2: "),
        (b"", "photo 2: "),
        (b"GIF89a", "photo 2: "),
        (np.zeros((4, 4, 3), np.float32), r"found an array float32 \[4, 4, 3\]"),
        (np.zeros((4, 4), np.uint8), r"found an array uint8 \[4, 4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"found an array uint8 \[0, 4, 3\]"),
        (np.zeros((4, 4, 4), np.uint8), r"found an array uint8 \[4, 4, 4\]"),
        (None, "found NoneType"),
        (3.5, "found float 3.5"),
        ([[0, 0, 0]], "found list"),
        (float("nan"), "found float nan"),
    ],
)
def test_what_is_no_photo_is_named_by_its_place(model, content, photo, says):
    with pytest.raises(ValueError, match=says) as error:
        model.predict(pd.DataFrame({"photo": pd.Series([content, photo], dtype=object)}))
    assert str(error.value).startswith("photo 2: ")


def test_a_damaged_photo_is_an_image_error(model, content):
    with pytest.raises(ImageError, match="photo 1: "):
        model.predict([content[: len(content) // 2]])


@pytest.mark.parametrize("given", [3, None, 2.5])
def test_an_input_that_holds_no_photos(model, given):
    with pytest.raises(ValueError, match="or a list or table of them; found"):
        model.predict(given)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"min_score": 1.5}, "min_score: expected a number from 0 to 1, found 1.5"),
        ({"min_score": -0.1}, "min_score"),
        ({"min_score": float("nan")}, "min_score"),
        ({"rows": "birds"}, "rows: expected boxes, photos or classes, found 'birds'"),
    ],
)
def test_parameters_are_checked(model, content, params, says):
    with pytest.raises(ValueError, match=says):
        model.predict(content, params)
