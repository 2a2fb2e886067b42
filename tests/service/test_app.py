"""The service in its own process: the API's answers, one photo at a time and many."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from sparrow.inference.counter import PhotoCounter
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import read_window


def form(*files: tuple[str, bytes]) -> Any:
    return [("photos", (name, content, "image/jpeg")) for name, content in files]


def test_two_photos_and_a_text_file(client: TestClient, photos: list[Path]) -> None:
    files = form(
        ("a.jpg", photos[0].read_bytes()),
        ("b.jpg", b"this is text"),
        ("c.jpg", photos[1].read_bytes()),
    )
    response = client.post("/detect", files=files)
    assert response.status_code == 200
    answer = response.json()
    good, bad, other = answer["photos"]
    with Image.open(photos[0]) as photo:
        assert (good["width_px"], good["height_px"]) == photo.size
    assert len(good["boxes"]) == len(good["scores"]) == len(good["labels"]) == good["count"]
    assert set(good["labels"]) <= {"house_sparrow"}
    assert good["error"] is None
    assert bad["count"] is None
    assert bad["error"]["kind"] == "unreadable_photo"
    assert "not a photo that can be read" in bad["error"]["message"]
    assert answer["total"] == good["count"] + other["count"]
    assert (answer["model_name"], answer["model_version"]) == ("test-detector", "1")
    assert [photo["file_name"] for photo in answer["photos"]] == ["a.jpg", "b.jpg", "c.jpg"]


def test_json_with_base64_gives_the_same_numbers(client: TestClient, photos: list[Path]) -> None:
    content = photos[0].read_bytes()
    text = base64.b64encode(content).decode()
    in_json = client.post("/detect", json={"photos": [{"name": "a.jpg", "content": text}, text]})
    in_form = client.post("/detect", files=form(("a.jpg", content)))
    first, second = (dict(photo, prediction_id="") for photo in in_json.json()["photos"])
    assert first == dict(in_form.json()["photos"][0], prediction_id="")
    assert dict(second, file_name="a.jpg") == first


def test_the_service_and_the_library_agree_to_the_last_digit(
    client: TestClient, photos: list[Path], model_folder: Path
) -> None:
    content = photos[2].read_bytes()
    ours = PhotoCounter(model_folder).count(content, "a.jpg", "cli")[0].record
    answered = client.post("/detect", files=form(("a.jpg", content))).json()["photos"][0]
    assert answered["scores"] == [box.score for box in ours.boxes]
    assert answered["boxes"] == [
        [b.x_min_px, b.y_min_px, b.x_max_px, b.y_max_px] for b in ours.boxes
    ]


def test_every_photo_is_logged_once(client: TestClient, photos: list[Path], log_url: str) -> None:
    grey = io.BytesIO()
    Image.fromarray(np.full((50, 80), 90, np.uint8)).save(grey, "PNG")
    files = form(("a.jpg", photos[0].read_bytes()), ("x", b"text"), ("g.png", grey.getvalue()))
    answer = client.post("/detect", files=files).json()
    ids = [photo["prediction_id"] for photo in answer["photos"]]
    # Feedback waits until its photo is in the log; they need not come there in order.
    for name in ids:
        said = client.post("/feedback", json={"prediction_id": name, "true_count": 2})
        assert said.json() == {"prediction_id": name, "stored": True}
    window = read_window(PredictionLog(log_url))
    rows = window.photos.set_index("id").loc[ids]
    assert rows["error"].isna().tolist() == [True, False, True]
    assert rows["n_detections"].tolist() == [len(photo["boxes"]) for photo in answer["photos"]]
    assert window.boxes["prediction_id"].isin([ids[0]]).sum() == len(answer["photos"][0]["boxes"])
    feedback = window.feedback.set_index("prediction_id")["true_count"]
    assert feedback.loc[ids].tolist() == [2, 2, 2]  # other tests say something of theirs


def test_the_model_is_described(client: TestClient) -> None:
    model = client.get("/model").json()
    assert (model["name"], model["version"]) == ("test-detector", "1")
    assert model["class_names"] == ["house_sparrow"]
    assert model["counts_with_interval"] is False


@pytest.mark.parametrize(("accept", "kind"), [("*/*", "JPEG"), ("image/png", "PNG")])
def test_render_draws_the_boxes(
    client: TestClient, photos: list[Path], accept: str, kind: str
) -> None:
    files = form(("a.jpg", photos[0].read_bytes()))
    response = client.post("/render", files=files, headers={"accept": accept})
    assert response.status_code == 200
    with Image.open(io.BytesIO(response.content)) as drawn, Image.open(photos[0]) as photo:
        assert (drawn.format, drawn.size) == (kind, photo.size)
    assert int(response.headers["x-count"]) >= 0


def test_render_says_why_it_cannot(client: TestClient, photos: list[Path]) -> None:
    response = client.post("/render", files=form(("a.jpg", b"text")))
    assert response.status_code == 422
    assert "not a photo" in response.json()["error"]
    two = form(*[("a.jpg", photos[0].read_bytes())] * 2)
    assert client.post("/render", files=two).status_code == 400


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"url": "/detect"}, 415, "multipart"),
        ({"url": "/detect", "files": {"other": b"x"}}, 400, "unknown field"),
        # BentoML would fetch this address.
        ({"url": "/detect", "files": {"photos": (None, "http://127.0.0.1/x")}}, 400, "not text"),
        ({"url": "/detect", "json": {"photos": []}}, 400, "no photo"),
        ({"url": "/detect", "json": {"photos": ["%%%"]}}, 400, "not base64"),
        ({"url": "/detect", "json": ["photos"]}, 400, "JSON object"),
        ({"url": "/detect", "json": {"photos": ["aGk="] * 5}}, 400, "at most 4"),
        ({"url": "/detect", "files": {"photos": b"x" * 2_100_000}}, 413, "larger than 2 MB"),
        ({"url": "/feedback", "json": {"prediction_id": "x", "wrong": True}}, 404, "no prediction"),
        ({"url": "/feedback", "json": {"prediction_id": "x"}}, 400, "expected true_count"),
        ({"url": "/feedback", "json": {}}, 400, "validation error"),
        ({"url": "/feedback", "content": b"[" * 50_000}, 415, "application/json"),
    ],
)
def test_a_wrong_request_gets_a_sentence(
    client: TestClient, request_: dict[str, Any], status: int, says: str
) -> None:
    response = client.post(**request_)
    assert (response.status_code, says in response.json()["error"]) == (status, True), response.text


def test_other_methods_are_refused(client: TestClient) -> None:
    refused = client.get("/detect")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert client.post("/model").status_code == 405


def test_a_deep_or_broken_body_is_not_an_error_of_ours(client: TestClient) -> None:
    json_type = {"content-type": "application/json"}
    for body in (b"[" * 100_000, b'{"photos": ' + b"[" * 50_000, b"\xff\xfe", b"{"):
        assert client.post("/detect", content=body, headers=json_type).status_code == 400
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
    ):
        response = client.post(
            "/detect", content=b"--x\r\n\r\nbroken", headers={"content-type": kind}
        )
        assert response.status_code == 400, kind


def test_the_request_id_comes_back(client: TestClient) -> None:
    assert (
        client.get("/model", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    )
    assert len(client.get("/model", headers={"x-request-id": "a b"}).headers["x-request-id"]) == 32


def test_a_browser_is_told_what_it_may_do(client: TestClient) -> None:
    """Refusals too: what a visitor wrote into a request may be in them."""
    for path in ("/", "/docs", "/model", "/nothing-here"):
        headers = client.get(path).headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["frame-ancestors"] == policy["connect-src"] == "'self'", path
        assert policy["object-src"] == "'none'"
        assert ("'unsafe-eval'" in policy["script-src"]) == (path == "/")  # Gradio's own need
        assert "http" not in headers["content-security-policy"]  # no other host
        assert headers["x-content-type-options"] == "nosniff"
    file = client.get("/gradio_api/file=/etc/passwd").headers["content-security-policy"]
    assert file == "default-src 'none'; sandbox; frame-ancestors 'self'"


def test_probes(client: TestClient) -> None:
    assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
