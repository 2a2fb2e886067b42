"""A starter: made from a small NanoDet, registered, promoted, counted with, judged against."""

from __future__ import annotations

import pytest
from small_nanodet import NAME, VERSION, write_package

from sparrow.config import Config
from sparrow.data.licence_ledger import LicenceLedger
from sparrow.inference.counter import PhotoCounter
from sparrow.inference.model_folder import CARD, LICENCES, read_info
from sparrow.inference.starter_origin import NANODET
from sparrow.inference.trial_photos import trial_photos
from sparrow.pipeline.starter import StarterOrder, make_starter
from sparrow.registry.notice import write_notices

BIRD = {"bird": ("bird", "cat")}
SMALL = "fasterrcnn_mobilenet_v3_large_320_fpn"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    return write_package(tmp_path_factory.mktemp("package"))


@pytest.fixture
def config():
    return Config(name="own-detector")


def order_of(package, counted_as=BIRD, threshold=None):
    return StarterOrder(NANODET, "", package, counted_as, threshold)


def test_the_folder_is_a_model_like_any_other(config, package, tmp_path):
    folder = tmp_path / "model"
    make_starter(config, order_of(package, {"bird": ("bird",), "cat": ("cat",)}, 0.4), folder)
    info = read_info(folder)  # every file is there with its hash, and no other
    assert info.class_names == ("bird", "cat")
    assert (info.threshold, info.min_side_px, info.max_side_px) == (0.4, 32, 32)
    counter = PhotoCounter(folder)
    counter.try_out()
    photo = trial_photos()[0]
    record = counter.count(photo.content, photo.name, "cli")[0].record
    assert record.count == len(record.boxes) > 0
    assert (record.count_low, record.count_high) == (None, None)  # none is invented
    assert all(0 <= box.x_min_px <= box.x_max_px <= 640 for box in record.boxes)


def test_what_is_not_known_is_missing_and_said(config, package, tmp_path):
    folder = tmp_path / "model"
    info = make_starter(config, order_of(package), folder)
    assert (info.count_model, info.metrics, info.data_version) == (None, {}, "starter")
    assert not (folder / "reference.parquet").exists()
    card = (folder / CARD).read_text(encoding="utf-8")
    for words in (
        f"{NAME} {VERSION}", "Apache-2.0", "MIT", "cocodataset.org", "bird, cat", "0.3: the best",
        "An interval of the count", "A reference for monitoring",
        info.starter.checksums["nanodet.bin"], info.starter.checksums[package.name],
    ):  # fmt: skip
        assert words in card
    ledger = LicenceLedger.model_validate_json((folder / LICENCES).read_text(encoding="utf-8"))
    assert (ledger.start, ledger.start_text) == ("NanoDet", "MIT License\n")


def test_a_threshold_below_what_the_engine_puts_out_is_refused(config, package, tmp_path):
    with pytest.raises(ValueError, match=r"threshold \(0.01\) is below min_score"):
        make_starter(config, order_of(package, threshold=0.01), tmp_path / "model")


def test_what_ships_with_it_says_where_it_comes_from(config, package, tmp_path):
    info = make_starter(config, order_of(package), tmp_path / "model")
    write_notices(tmp_path / "model", info, tmp_path)
    notice = (tmp_path / "NOTICE").read_text(encoding="utf-8")
    assert f"It is a starter: the weights are those of NanoDet, from {NAME} {VERSION}" in notice
    assert "It was trained on" not in notice
    assert "Apache-2.0" in notice
    assert (tmp_path / "licenses/starting-weights.txt").read_text() == "MIT License\n"
