"""The page: what is on the screen is what is saved, and a photo is counted once in a session."""

from __future__ import annotations

import csv
import io
import json
import logging
import pickle
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from small_model import write_light_meter
from sqlalchemy import select
from starlette.testclient import TestClient

from service.inference_service import InferenceService
from service.page_downloads import write_download
from service.page_feedback import save_feedback
from service.page_photo import PagePhoto
from service.page_protocol import Download, Save
from service.page_requests import PageRequests
from service.page_room import PageRoom
from service.page_source import PhotoFile
from service.page_start import start
from service.page_visit import Visit
from service.request_guard import RequestGuard
from service.web import make_web_app
from sparrow.inference.counter import CountedPhoto
from sparrow.inference.model_folder import ENGINE, read_info, write_info
from sparrow.predictions.corrections import CorrectedBox, read_correction
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.log_tables import feedback_table, photos_table

pytestmark = pytest.mark.slow  # all of the file together

FOUND = (0.95, 0.8, 0.7, 0.6)  # scores in a white photo; the operating threshold is 0.65


@pytest.fixture(scope="module")
def inference(
    client: TestClient, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InferenceService]:
    """Counts with an engine of known answers: ``FOUND``, times the photo's brightness (0..1)."""
    from service.app import settings

    home = tmp_path_factory.mktemp("page")
    shutil.copytree(model_folder.resolve(), home / "model")
    write_light_meter(home / "model" / ENGINE, FOUND)
    info = read_info(home / "model", verify=False)
    write_info(home / "model", info.model_copy(update={"threshold": 0.65}))
    log = f"sqlite:///{home}/log.db?timeout=0.5"
    (home / "local" / "May").mkdir(parents=True)
    Image.new("RGB", (320, 240), "white").save(home / "local" / "May" / "a.png")
    (home / "local" / "out.png").symlink_to(home / "model" / ENGINE)
    folders = {"keep_folder": str(home / "kept"), "page_folder": str(home / "local")}
    limits = settings.limits.model_copy(update=folders)
    inference = InferenceService(
        replace(
            settings,
            model=home / "model",
            follows_link=False,
            prediction_log=log,
            limits=limits,
        )
    )
    yield inference
    inference.close()


@pytest.fixture(scope="module")
def page(inference: InferenceService) -> Iterator[TestClient]:
    """The page with its request checks, as ``sparrow page`` serves it."""
    requests = PageRequests(inference.settings)
    web = make_web_app(inference.settings, lambda: inference, requests)
    guarded = RequestGuard(web, inference.settings, requests)
    with TestClient(guarded, base_url="http://127.0.0.1") as page:
        yield page


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Boxes of 0.5 and above: in the first 4, then 3, 2 and 1; of 0.65 and above 3, 1, 1, 0."""
    folder = tmp_path_factory.mktemp("photos")
    paths = [folder / f"grey-{grey}.png" for grey in (255, 204, 180, 140)]
    for path in paths:
        grey = int(path.stem.split("-")[1])
        Image.new("RGB", (320, 240), (grey, grey, grey)).save(path)
    return paths


@pytest.fixture
def visitor(new_visitor: Any, page: TestClient) -> Any:
    return new_visitor(page)


@pytest.fixture
def log(inference: InferenceService) -> PredictionLog:
    return inference.log


def said(log: PredictionLog) -> list[tuple[int, bool]]:
    """All feedback, oldest first."""
    rows = log.rows(select(feedback_table).order_by(feedback_table.c.time))
    return [(row["true_count"], row["wrong"]) for row in rows]


def rows_of(inference: InferenceService) -> int:
    """Photos in the log, once what is queued is written."""
    assert inference._writer.flush()
    return len(inference.log.rows(select(photos_table.c.id)))


@pytest.mark.parametrize(
    ("score", "shown"),
    [(None, 3), (0.9, 1), (0.65, 3), (0.7, 2), (0.96, 0), (1, 0), (0.5, 4), (0.3, 4), (0.0, 4)],
)  # the score 0.7 is 0.699999988 in the engine; the model's own threshold is 0.65
def test_what_is_on_the_screen_is_what_is_saved(
    visitor: Any, log: PredictionLog, photos: list[Path], score: float | None, shown: int
) -> None:
    (photo,) = visitor.add(photos[0])
    visitor.ask("show", min_score=score)
    assert visitor.photos[photo["photo"]]["row"]["number"] == shown
    assert (f"{shown} house sparrow" if shown else "No house sparrow") in visitor.words
    before = len(said(log))
    saved = visitor.ask("save", photo=photo["photo"], min_score=score)
    assert saved == {"saved": True, "message": f"Thank you. Saved: {shown} in {photos[0].name}."}
    # At its own threshold the model was wrong if the person had to move the slider.
    assert said(log)[before:] == [(shown, shown != 3)]


def test_below_the_threshold_is_shown_and_not_logged(
    visitor: Any, inference: InferenceService, photos: list[Path]
) -> None:
    """The faint box is on the screen, which says so; the log has the model's count."""
    (photo,) = visitor.add(photos[0])
    assert [box["score"] > 0.65 for box in photo["boxes"]] == [True, True, True, False]
    assert photo["certain"] == 3
    visitor.ask("show", min_score=0.3)
    assert visitor.screen["words"] == "4 house sparrows"
    assert (
        "boxes with a score of 30% or more; the model counts those of 65% or more: 3."
        in visitor.words
    )
    assert inference._writer.flush()
    table = photos_table.c
    (row,) = inference.log.rows(
        select(table.count, table.n_detections).order_by(table.time.desc()).limit(1)
    )
    assert (row["count"], row["n_detections"]) == (3, 3)


def test_a_photo_is_counted_once_in_a_session(
    visitor: Any,
    new_visitor: Any,
    page: TestClient,
    inference: InferenceService,
    photos: list[Path],
    tmp_path: Path,
) -> None:
    start = rows_of(inference)
    first, second = visitor.add(*photos[:2])
    assert rows_of(inference) == start + 2
    visitor.ask("remove", photos=[first["photo"]])  # recounts nothing
    assert visitor.screen["photos"] == 1
    (again,) = visitor.add(photos[0])  # nor does putting it back
    assert again["row"]["number"] == 3
    assert "in 2 photos" in visitor.words
    assert rows_of(inference) == start + 2
    (third,) = visitor.add(photos[2])  # one more: that one alone is answered, and counted
    assert third["photo"] not in (first["photo"], second["photo"])
    assert rows_of(inference) == start + 3
    copy = tmp_path / "another name.jpg"
    copy.write_bytes(photos[0].read_bytes())
    (same,) = visitor.add(copy)  # the same bytes are the same photo
    assert "in 3 photos" in visitor.words
    assert f"the same photo as {copy.name}: counted once" in same["row"]["remark"]
    visitor.ask("remove", photos=None)
    assert visitor.screen == {"words": "", "hint": "", "totals": [], "photos": 0}
    visitor.add(*photos[2::-1])
    assert rows_of(inference) == start + 3
    new_visitor(page).add(photos[0])  # another person's, or a new window
    assert rows_of(inference) == start + 4


def test_what_cannot_be_read_is_logged_once_too(
    visitor: Any, inference: InferenceService, photos: list[Path], tmp_path: Path
) -> None:
    start, text = rows_of(inference), tmp_path / "text.jpg"
    text.write_text("not a photo")
    (unread,) = visitor.add(text)
    assert "No photo could be counted" in visitor.words
    assert (unread["view"], unread["row"]["count"]) == (None, "")
    for event, more in (("save", {}), ("correct", {"boxes": []})):
        with pytest.raises(Exception, match="could not be counted, so there is nothing to correct"):
            visitor.ask(event, photo=unread["photo"], **more)
    visitor.add(photos[0])
    assert "1 of 2 photos could not be counted" in visitor.words
    assert rows_of(inference) == start + 2


def test_a_visitor_corrects_boxes(visitor: Any, log: PredictionLog, photos: list[Path]) -> None:
    """One of three is removed, one drawn: three again, and yet the model was wrong."""
    (photo,) = visitor.add(photos[0])
    key = photo["photo"]
    drawn = {"label": "house_sparrow", "corners": [100, 20, 180, 90.5]}
    boxes = [{"label": box["label"], "corners": box["corners"]} for box in photo["boxes"][:2]]
    visitor.ask("correct", photo=key, boxes=[*boxes, drawn], min_score=0.9)
    row = visitor.photos[key]["row"]
    assert (row["number"], row["corrected"], row["likely"]) == (3, True, "")
    assert row["remark"] == "corrected by you; the model counted 3"
    before = len(said(log))
    visitor.ask("save", photo=key)
    assert said(log)[before:] == [(3, True)]
    visitor.ask("correct", photo=key, boxes=[])
    assert visitor.screen["words"] == "No house sparrows"
    visitor.ask("correct", photo=key, boxes=None)  # the model's again
    assert visitor.screen["words"].startswith("3 house sparrows")


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ({"label": "wren", "corners": [0, 0, 9, 9]}, "Expected one of house_sparrow, found 'wren'"),
        ({"label": "house_sparrow", "corners": [400, 0, 500, 9]}, "within the photo"),
        ({"label": "house_sparrow", "corners": [9, 9, 9, 30]}, "within the photo"),
        ({"label": "house_sparrow", "corners": [0, 0, 9]}, "the page cannot ask this"),
        ({"label": "house_sparrow", "corners": [0, 0, -9, 1e9]}, "the page cannot ask this"),
        ({"label": 3, "corners": [0, 0, 9, 9]}, "the page cannot ask this"),
    ],
)
def test_a_box_that_cannot_be_is_refused(
    visitor: Any, photos: list[Path], box: Any, told: str
) -> None:
    (photo,) = visitor.add(photos[0])
    with pytest.raises(Exception, match=told):
        visitor.ask("correct", photo=photo["photo"], boxes=[box])
    assert visitor.ask("show")["rows"][0]["number"] == 3


def test_a_photo_is_kept_with_its_boxes_where_the_person_agrees(
    visitor: Any, inference: InferenceService, photos: list[Path]
) -> None:
    kept = Path(inference.settings.limits.keep_folder)
    (photo,) = visitor.add(photos[0])
    key = photo["photo"]
    visitor.ask("save", photo=key)
    assert not kept.exists()  # nobody agreed
    visitor.ask("correct", photo=key, boxes=[{"label": "house_sparrow", "corners": [1, 2, 30, 40]}])
    saved = visitor.ask("save", photo=key, keep=True)
    assert "The photo and its boxes are kept for the next model, 30 days" in saved["message"]
    (file,) = kept.glob("*.photo")
    assert file.read_bytes() == photos[0].read_bytes()
    box = CorrectedBox("house_sparrow", 1, 2, 30, 40)
    assert read_correction(kept, file.stem) == (box,)
    # A number that was typed says nothing of where the objects are.
    (other,) = visitor.add(photos[1])
    saved = visitor.ask("save", photo=other["photo"], true_count=7, keep=True)
    assert "The photo is kept" in saved["message"]
    assert len(list(kept.glob("*.photo"))) == 2
    assert len(list(kept.glob("*.boxes.json"))) == 1


def test_a_service_that_keeps_nothing_says_so(
    inference: InferenceService, photos: list[Path], room: PageRoom
) -> None:
    limits = inference.settings.limits.model_copy(update={"keep_agreed": False})
    own = InferenceService(replace(inference.settings, limits=limits))
    assert start(own)["keeps"] is False
    visit = Visit()
    visit.add(own, as_files(photos[:1]), room)
    told = save_feedback(own, only(visit), Save(photo=only(visit).sha256, keep=True))
    own.close()
    assert "This service keeps no photos: download the boxes instead." in told["message"]


def test_downloads_are_what_is_on_the_screen(
    visitor: Any, page: TestClient, photos: list[Path]
) -> None:
    first, _, third = visitor.add(*photos[:3])
    drawn = {"label": "house_sparrow", "corners": [50, 50, 150, 150]}
    keep = {"label": "house_sparrow", "corners": first["boxes"][0]["corners"]}
    visitor.ask("correct", photo=first["photo"], boxes=[keep, drawn])
    visitor.ask("remove", photos=[third["photo"]])
    shown = [
        visitor.photos[row["photo"]]["row"] for row in visitor.ask("show", min_score=0.3)["rows"]
    ]
    got = {
        what: downloaded(visitor, page, what=what, min_score=0.3)
        for what in ("csv", "coco", "pictures")
    }
    rows = list(csv.DictReader(io.StringIO(got["csv"].decode())))
    assert [(row["file"], row["count"]) for row in rows] == [
        (row["name"], str(row["number"])) for row in shown
    ]
    assert [row["count"] for row in rows] == ["2", "4"]
    made = json.loads(got["coco"])
    scores = [box.get("score") for box in made["annotations"] if box["image_id"] == 1]
    assert scores == [pytest.approx(0.95), None]  # a person's box has none
    assert made["annotations"][1]["bbox"] == [50, 50, 100, 100]
    with zipfile.ZipFile(io.BytesIO(got["pictures"])) as archive:
        names = archive.namelist()
        assert names == ["001-grey-255.jpg", "002-grey-204.jpg"]
        picture = np.asarray(Image.open(archive.open(names[0])))
    assert picture.shape == (240, 320, 3)
    assert picture[100, 50].min() < 200  # the drawn box's edge, on white
    assert picture[200, 250].min() > 250


def downloaded(visitor: Any, page: TestClient, **request: Any) -> bytes:
    path = visitor.ask("download", **request)["path"]
    answer = page.get(f"/gradio_api/file={path}")
    assert answer.status_code == 200
    return bytes(answer.content)


def test_no_picture_has_exif(visitor: Any, page: TestClient, tmp_path: Path) -> None:
    """Of a HEIC with its place in it: a JPEG is shown, without that."""
    exif = Image.Exif()
    exif[0x0110] = "a camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
    pillow_heif.register_heif_opener()
    heic = tmp_path / "IMG_1.HEIC"
    Image.new("RGB", (3000, 2000), "white").save(heic, exif=exif.tobytes())
    with Image.open(heic) as opened:
        assert opened.getexif().get_ifd(0x8825)
    (photo,) = visitor.add(heic)
    with zipfile.ZipFile(io.BytesIO(downloaded(visitor, page, what="pictures"))) as archive:
        pictures = [archive.read(archive.namelist()[0])]
    for name in ("view", "thumbnail"):
        pictures.append(page.get(f"/gradio_api/file={photo[name]}").content)
    sizes = [Image.open(io.BytesIO(picture)).size for picture in pictures]
    assert sizes == [(3000, 2000), (1600, 1067), (240, 160)]
    for picture in pictures:
        opened = Image.open(io.BytesIO(picture))
        assert (opened.format, dict(opened.getexif()), b"Exif" in picture) == ("JPEG", {}, False)


def test_photos_of_two_cameras_have_visits_and_the_most_at_once(
    visitor: Any, page: TestClient, photos: list[Path], tmp_path: Path
) -> None:
    """A front of two photos 20 s apart and one an hour later, a back at the same time."""
    taken = {"front/a.png": "20260501_083000", "front/b.png": "20260501_083020",
             "front/c.png": "20260501_093000", "back/d.png": "20260501_083010"}  # fmt: skip
    uploads = []
    for number, (name, time) in enumerate(taken.items()):
        folder, _, file = name.partition("/")
        path = tmp_path / f"{number}-{file}"
        path.write_bytes(photos[number].read_bytes())
        uploads.append({**visitor.upload(path), "name": f"{folder}/IMG_{time}.png"})
    counted = visitor.ask("count", photos=uploads)["photos"]
    rows = [photo["row"] for photo in counted]
    assert [row["camera"] for row in rows] == ["front", "front", "front", "back"]
    assert rows[1]["time"] == "2026-05-01 08:30:20"
    visitor.ask("correct", photo=counted[1]["photo"], boxes=[drawn_box(n) for n in range(5)])
    seen = visitor.ask("show")["sightings"]
    assert [seen["visit_of"][row["photo"]] for row in rows] == [2, 2, 3, 1]
    (second,) = [visit for visit in seen["visits"] if visit["number"] == 2]
    assert (second["photos"], second["most"]["all classes"]) == (2, "5")  # as it was corrected
    assert second["photo"] == counted[1]["photo"]
    table = csv.DictReader(io.StringIO(downloaded(visitor, page, what="visits").decode()))
    visits = [row for row in table if row["per"] == "visit"]
    assert [(row["camera"], row["most_at_once"]) for row in visits] == [
        ("back", "0"), ("front", "5"), ("front", "1"),
    ]  # fmt: skip
    visitor.ask("remove", photos=[counted[1]["photo"], counted[2]["photo"]])
    assert len(visitor.ask("show")["sightings"]["visits"]) == 2


def drawn_box(number: int) -> dict[str, Any]:
    return {"label": "house_sparrow", "corners": [number, 10, number + 9, 30]}


def test_photos_without_a_time_have_no_visit(visitor: Any, photos: list[Path]) -> None:
    visitor.add(photos[0])
    seen = visitor.ask("show")["sightings"]
    assert (seen["visits"], seen["undated"]) == ([], 1)


def test_a_local_folder_is_counted_and_no_link_leads_out_of_it(visitor: Any) -> None:
    listing = visitor.ask("folder", folder="")
    assert listing == {"photos": ["May/a.png", "out.png"], "skipped": {}}
    (photo,) = visitor.ask("count", local=["May/a.png"])["photos"]
    assert (photo["row"]["name"], photo["row"]["number"]) == ("May/a.png", 3)
    for name in ("out.png", "../model/engine.onnx", "/etc/passwd", "May/../../model/model.json"):
        with pytest.raises(Exception, match=r"is not below|Expected a path below"):
            visitor.ask("count", local=[name])
    assert visitor.ask("download", what="pictures")["name"] == "annotated.zip"


HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("show", {"min_score": value})
    for value in ("abc", 1e308, [0.5], -0.1, 10**400, "0.5", True, {"path": "/etc/passwd"})
] + [
    ("save", {"photo": "PHOTO", "true_count": value})
    for value in (1e9, "5", 2.5, -1, True, 10**400, [3])
] + [
    (event, {"photo": value, "boxes": None} if event == "correct" else {"photo": value})
    for event in ("save", "correct")
    for value in (99, -1, "x", None, [0], {"path": "/etc/passwd"}, True, "0" * 64)
] + [
    ("download", {"what": "../x"}), ("download", {"what": None}), ("show", {"more": 1}),
    ("count", {"photos": [{"path": "/etc/passwd", "name": "x"}]}), ("count", {"examples": [99]}),
    ("count", {"examples": [-1]}), ("count", {"local": ["a.jpg"]}), ("remove", {}),
    ("folder", {"folder": "../model"}), ("count", {"photos": None}), ("folder", {"folder": "\0"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def busy(new_visitor: Any, page: TestClient, photos: list[Path]) -> Any:
    visitor = new_visitor(page)
    visitor.add(*photos[:2])
    return visitor


@pytest.mark.parametrize(("event", "request_"), HOSTILE, ids=lambda value: str(value)[:60])
def test_hostile_values_give_a_sentence_and_store_nothing(
    busy: Any,
    log: PredictionLog,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    event: str,
    request_: dict[str, Any],
) -> None:
    before, key = len(said(log)), next(iter(busy.photos))
    sent = {name: key if value == "PHOTO" else value for name, value in request_.items()}
    with pytest.raises(Exception, match=r"\A[^\n]{10,250}\Z") as told:
        busy.ask(event, **sent)
    assert "Error" not in str(told.value)
    assert len(said(log)) == before
    output = capfd.readouterr()
    assert "Traceback" not in output.out + output.err
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_gone_files_are_said(visitor: Any, photos: list[Path], tmp_path: Path) -> None:
    own = tmp_path / "own.png"
    own.write_bytes(photos[0].read_bytes() + b"\0")
    uploaded = visitor.upload(own)
    photo = visitor.ask("count", photos=[uploaded])["photos"][0]["photo"]
    Path(uploaded["path"]).unlink()  # after an hour
    with pytest.raises(Exception, match=r"own\.png is no longer here; please add it again"):
        visitor.ask("download", what="pictures")
    assert visitor.ask("save", photo=photo)["saved"]  # its count is known
    assert visitor.ask("download", what="csv")["name"] == "counts.csv"
    with pytest.raises(Exception, match="please add it once more"):
        visitor.ask("count", photos=[uploaded])


def as_files(paths: list[Path]) -> list[PhotoFile]:
    return [PhotoFile(path, path.name) for path in paths]


def only(visit: Visit) -> PagePhoto:
    (photo,) = visit.shown.values()
    return photo


@pytest.fixture
def room(tmp_path: Path) -> PageRoom:
    return PageRoom(tmp_path / "page", 10_000_000)


def test_a_session_holds_no_pixels(
    inference: InferenceService, photos: list[Path], room: PageRoom
) -> None:
    visit = Visit()
    visit.add(inference, as_files(photos), room)
    kept = [visit.shown, [photo.result() for photo in visit.counted.values()]]
    assert len(pickle.dumps(kept)) < 320 * 240  # one of four photos in one colour


def test_two_events_of_a_session_at_once_count_a_photo_once(
    inference: InferenceService, photos: list[Path], room: PageRoom
) -> None:
    start, visit = rows_of(inference), Visit()
    with ThreadPoolExecutor(8) as events:
        for _ in range(8):
            events.submit(visit.add, inference, as_files(photos), room)
    assert rows_of(inference) == start + 4
    assert [photo.count(0.5) for photo in visit.shown.values()] == [4, 3, 2, 1]


def test_what_takes_too_long_is_said_and_not_counted_again(
    inference: InferenceService, tmp_path: Path, room: PageRoom
) -> None:
    large = tmp_path / "large.png"
    Image.new("L", (6000, 5000), 255).save(large)  # a fraction of a second
    limits = inference.settings.limits.model_copy(update={"timeout_s": 1e-6})
    log = f"sqlite:///{tmp_path}/log.db"
    own = InferenceService(replace(inference.settings, limits=limits, prediction_log=log))
    visit = Visit()
    with pytest.raises(ValueError, match="Counting took longer than 1e-06 s; it goes on"):
        visit.add(own, as_files([large]), room)
    assert not visit.shown
    wait(visit.counted.values())
    visit.add(own, as_files([large]), room)
    assert only(visit).count(0.5) == 4
    assert rows_of(own) == 1
    own.close()


def test_a_full_page_is_said_and_the_photo_counted_again_later(
    inference: InferenceService, photos: list[Path], tmp_path: Path, room: PageRoom
) -> None:
    visit = Visit()
    with pytest.raises(ValueError, match="as many photos as it has room for"):
        visit.add(inference, as_files(photos[:1]), PageRoom(tmp_path / "full", 100))
    assert not visit.shown
    visit.add(inference, as_files(photos[:1]), room)
    assert only(visit).views is not None


def without_feedback_table(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file)
    base.execute("DROP TABLE feedback")
    base.commit()
    return base


def locked(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file, isolation_level=None)
    base.execute("BEGIN EXCLUSIVE")
    return base


def forgotten(file: str) -> sqlite3.Connection:
    base = sqlite3.connect(file)
    base.executescript("DELETE FROM boxes; DELETE FROM predictions;")
    base.commit()
    return base


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (without_feedback_table, "Nothing was saved: the log cannot be reached just now."),
        (locked, "Nothing was saved: the log cannot be reached just now."),
        (forgotten, "Nothing was saved: the count of grey-255.png is no longer in the"),
    ],
)
def test_feedback_that_was_not_stored_is_no_success(
    inference: InferenceService,
    photos: list[Path],
    tmp_path: Path,
    room: PageRoom,
    fault: Any,
    sentence: str,
) -> None:
    file = str(tmp_path / "log.db")
    own = InferenceService(
        replace(inference.settings, prediction_log=f"sqlite:///{file}?timeout=0.2")
    )
    visit = Visit()
    visit.add(own, as_files(photos[:1]), room)
    request = Save(photo=only(visit).sha256, true_count=5)
    assert save_feedback(own, only(visit), request)["saved"]
    held = fault(file)
    told = save_feedback(own, only(visit), request)
    held.close()
    own.close()
    assert not told["saved"]
    assert told["message"].startswith(sentence)


def test_a_photo_that_could_not_be_logged_is_tried_again(
    inference: InferenceService, photos: list[Path], tmp_path: Path, room: PageRoom
) -> None:
    """The first inference is closed: it takes no photo. The page goes on with the next one."""
    closed = InferenceService(
        replace(inference.settings, prediction_log=f"sqlite:///{tmp_path}/log.db")
    )
    closed.close()
    start, visit = rows_of(inference), Visit()
    with pytest.raises(RuntimeError):
        visit.add(closed, as_files(photos), room)
    visit.add(inference, as_files(photos), room)
    assert rows_of(inference) == start + 4


def test_photos_of_two_champions_go_into_one_download(
    inference: InferenceService, photos: list[Path], room: PageRoom
) -> None:
    visit = Visit()
    first, second = visit.add(inference, as_files(photos[:2]), room)
    boxes = tuple(replace(box, label="wren") for box in second.counted.record.boxes)
    record = replace(second.counted.record, boxes=boxes)
    second = replace(second, counted=CountedPhoto(record), class_names=("wren", "robin"))
    made = json.loads(write_download([first, second], Download(what="coco"), room).read_text())
    names = {kind["id"]: kind["name"] for kind in made["categories"]}
    assert list(names.values()) == ["house_sparrow", "wren", "robin"]
    labels = [names[box["category_id"]] for box in made["annotations"]]
    assert labels == ["house_sparrow"] * 3 + ["wren"]
