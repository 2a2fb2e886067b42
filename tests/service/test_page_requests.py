"""The page is a second way in: what its widgets send is checked like what the API is sent."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.page_events import PageEvents
from service.page_files import KEEP_SECONDS, PREFIX, PageFiles, file_name
from service.page_protocol import REQUESTS
from service.refusal import RefusalError
from service.uploads import Upload

CANARY = "canary-4f1d"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageFiles]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = PageFiles(max_bytes=1000)
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/config").json()
    return found


def described(path: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


def hostile_values(secret: Path) -> list[Any]:
    """What no widget of the page can have for its value."""
    link = secret.with_name("link.jpg")
    link.symlink_to(secret)
    paths = [
        str(secret), str(link), f"{secret.parent}/../{secret.parent.name}/{secret.name}",
        "/etc/passwd", "/proc/self/environ", f"file://{secret}", "//etc/passwd", "\\\\host\\share",
        "http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "pyproject.toml", ".", "", "a\0b",
        "x" * 5000,
    ]  # fmt: skip
    return [
        *map(described, paths),
        *[[described(path)] for path in paths],
        {"value": [described(str(secret))]},
        [[described(str(secret))]],
        described(str(secret), url="http://127.0.0.1:9/"),
        {"meta": {"_type": "gradio.FileData"}, "url": str(secret)},
        [{"image": described(str(secret)), "caption": None}],
        "__import__('os')", {"a": {"b": {"c": 1}}}, [1, 2], "1e999", {"__type__": "update"},
    ]  # fmt: skip


def number_of(page: dict[str, Any], name: str) -> int:
    """An event of the page's own script, by its name."""
    return next(int(e["id"]) for e in page["dependencies"] if e["api_name"] == name)


def send(client: TestClient, fn_index: int, data: list[Any], more: Any = ()) -> Any:
    event = {"data": data, "fn_index": fn_index, "session_hash": "abc", "trigger_id": None}
    event.update(more)
    return client.post("/gradio_api/queue/join", json=event)


def test_no_slot_of_any_event_takes_what_its_widget_cannot_send(
    client: TestClient, page: dict[str, Any], files: PageFiles, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    values = hostile_values(secret)
    events = PageEvents(page, files, 4, 2_000_000)
    tried = 0
    for event in page["dependencies"]:
        for slot in range(len(event["inputs"])):
            data: list[Any] = [None] * len(event["inputs"])
            for data[slot] in values:
                sent = {"data": data, "fn_index": event["id"], "session_hash": "abc"}
                with pytest.raises(RefusalError) as refused:
                    events.read(json.dumps(sent).encode())
                assert refused.value.status in (400, 413), (event["id"], slot, data)
                assert CANARY not in str(refused.value)
                tried += 1
            answer = send(
                client, event["id"], [described(str(secret)) if x else None for x in data]
            )
            assert (answer.status_code, CANARY in answer.text) == (400, False)
    assert tried > 500


@pytest.mark.parametrize(
    "more",
    [
        {"fn_index": 99}, {"fn_index": -1}, {"fn_index": "0"}, {"fn_index": True},
        {"fn_index": None},
        {"session_hash": None}, {"session_hash": "../x"}, {"session_hash": "x" * 100},
        {"trigger_id": "x"}, {"trigger_id": 1.5}, {"data": "x"}, {"data": None}, {"data": [1] * 50},
    ],
)  # fmt: skip
def test_an_event_that_the_page_has_not_is_refused(client: TestClient, more: Any) -> None:
    answer = send(client, 0, [None], more)
    assert answer.status_code == 400
    assert " " in answer.json()["error"]


def test_no_field_of_any_request_takes_what_the_script_cannot_send(
    client: TestClient, page: dict[str, Any], files: PageFiles, tmp_path: Path
) -> None:
    """A file in the place of a number, a name or a path: never read, never passed on."""
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    events = PageEvents(page, files, 4, 2_000_000)
    values, tried = hostile_values(secret), 0
    for name, kind in REQUESTS.items():
        for field in kind.model_fields:
            for value in values:
                if (field, value) == ("examples", [1, 2]) or (
                    isinstance(value, str) and field == "folder"
                ):
                    continue  # any text may be a folder's name; it is looked for below the root
                sent = {"data": [None, {field: value}], "fn_index": number_of(page, name)}
                with pytest.raises(RefusalError) as refused:
                    events.read(json.dumps({**sent, "session_hash": "abc"}).encode())
                assert refused.value.status == 400, (name, field, value)
                assert CANARY not in str(refused.value)
                tried += 1
    assert tried > 500


def test_what_a_visitor_clicked_on_is_not_passed_on(page: dict[str, Any], files: PageFiles) -> None:
    """Gradio would hand it to the page's functions."""
    events = PageEvents(page, files, 4, 2_000_000)
    sent = {"data": [None, {}], "fn_index": number_of(page, "show"), "session_hash": "a",
            "event_data": {"index": 2, "value": described("/etc/passwd")}}  # fmt: skip
    rebuilt = json.loads(events.read(json.dumps(sent).encode()))
    assert rebuilt["event_data"] is None
    assert rebuilt["data"] == [None, {"min_score": None}]


def test_a_large_event_is_refused_before_it_is_read(client: TestClient) -> None:
    assert send(client, 0, ["x" * 70_000]).status_code == 413


def upload(client: TestClient, *contents: bytes) -> list[str]:
    answer = client.post(
        "/gradio_api/upload", files=[("files", (f"{i}.jpg", c)) for i, c in enumerate(contents)]
    )
    assert answer.status_code == 200, answer.text
    paths: list[str] = answer.json()
    return paths


def test_an_upload_comes_back_to_whoever_knows_its_path(client: TestClient) -> None:
    first, second = upload(client, b"same", b"same")
    assert Path(first).parent != Path(second).parent  # nobody can guess one from its content
    got = client.get(f"/gradio_api/file={first}")
    assert (got.status_code, got.content) == (200, b"same")
    for other in ("/etc/passwd", str(Path(first).parent), f"{first}/../../../etc/passwd",
                  "http://127.0.0.1:9/", "https://x", "pyproject.toml", ""):  # fmt: skip
        assert client.get(f"/gradio_api/file={other}").status_code == 404, other


def test_the_photos_of_one_event_are_limited_as_of_one_request(
    client: TestClient, page: dict[str, Any]
) -> None:
    """The test's service takes 4 photos and 2 MB."""
    number = number_of(page, "count")

    def drop(paths: list[str]) -> Any:
        photos = [{"path": path, "name": "a.jpg"} for path in paths]
        return send(client, number, [None, {"photos": photos}])

    (large,) = upload(client, b"x" * 1_500_000)
    twice = drop([large, large])
    assert (twice.status_code, "together" in twice.json()["error"]) == (413, True)
    small = upload(client, b"a", b"b", b"c")
    many = drop([*small, *small])
    assert (many.status_code, "at most 4" in many.json()["error"]) == (413, True)


def test_too_much_or_broken_uploads_leave_nothing(client: TestClient) -> None:
    folder = Path(os.environ["GRADIO_TEMP_DIR"])
    before = sorted(folder.rglob("*"))
    for sent in (
        {"files": [("files", ("a.jpg", b"x" * 2_100_000))]},
        {"files": [("files", ("a.jpg", b"x"))] * 5},
        {"files": [("other", ("a.jpg", b"x"))]},
        {"files": [("files", (None, "http://127.0.0.1:9/"))]},
        {
            "content": b"--x\r\nbroken",
            "headers": {"content-type": "multipart/form-data; boundary=x"},
        },
    ):
        assert client.post("/gradio_api/upload", **sent).status_code in (400, 413)  # type: ignore[arg-type]
    assert sorted(folder.rglob("*")) == before


def test_deep_links_and_queries_are_not_read(client: TestClient) -> None:
    for path in ("/", "/config"):
        asked = client.get(path, params={"deep_link": "../../etc/passwd"})
        assert (asked.status_code, '"deep_link_state":"invalid"' in asked.text) == (200, False)
    assert client.get("/gradio_api/deep_link?session_hash=x").status_code == 404


def test_metrics_have_no_word_of_a_client_in_them(client: TestClient) -> None:
    for n in range(200):
        client.get(f"/secret-{CANARY}-{n}.jpg")
        client.get(f"/gradio_api/file=/{CANARY}/{n}.jpg")
    figures = client.get("/metrics")
    assert figures.status_code == 200
    assert CANARY not in figures.text
    assert 'path="other",status="404"' in figures.text
    assert 'path="/gradio_api/file="' in figures.text
    assert len(figures.text) < 100_000


def test_an_empty_folder_is_used_by_nothing(files: PageFiles) -> None:
    assert files.used_bytes() == 0
    assert files.find("") is None
    assert files.find(str(files.folder)) is None
    assert files.find(str(files.folder / "lock")) is None


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "..", ".", "...", " ", ".hidden", "ü" * 300 + ".jpeg", "a" * 300, "日本語.jpg",
     "a.b" * 90],
)  # fmt: skip
def test_any_name_is_one_that_a_file_can_have(files: PageFiles, name: str) -> None:
    (path,) = files.store([Upload(name, b"x")], "a")
    assert files.find(str(path)) == path
    assert len(file_name(name).encode()) <= 200


def test_a_full_folder_refuses_and_an_old_file_makes_room(files: PageFiles) -> None:
    files.store([Upload("a", b"x" * 450)], "one")
    with pytest.raises(RefusalError, match="room"):
        files.store([Upload("a", b"x" * 100)], "one")  # half of it is for others ...
    files.store([Upload("a", b"x" * 450)], "two")
    with pytest.raises(RefusalError, match="room"):
        files.store([Upload("b", b"x" * 200)], "three")  # ... until it is full
    files.tidy(time.time() + KEEP_SECONDS + 1)
    assert files.used_bytes() == 0
    assert [path.name for path in files.folder.iterdir()] == ["lock"]
    files.store([Upload("b", b"x" * 200)], "three")


def test_what_the_page_itself_shows_stays(files: PageFiles) -> None:
    (own,) = files.store([Upload("example", b"x")], "a")
    files.keep_present()
    files.store([Upload("visitor", b"x")], "a")
    files.tidy(time.time() + KEEP_SECONDS + 1)
    assert files.find(str(own)) == own
    assert files.used_bytes() == 1


def test_the_folder_goes_with_the_service_and_a_killed_ones_with_the_next(tmp_path: Path) -> None:
    killed = tmp_path / f"{PREFIX}killed"
    killed.mkdir()
    (killed / "lock").touch()
    (killed / "photo").write_bytes(b"x")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        patch.setattr("tempfile.tempdir", str(tmp_path))
        first = PageFiles(1000)
        assert not killed.exists()
        second = PageFiles(1000)  # of another process; the first one's is in use
        assert first.folder.is_dir()
        first.close()
        second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_costs_nobody_their_room(
    tmp_path: Path, small_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(small_disk("page", 0.5)))
    full = PageFiles(max_bytes=2_000_000)
    for _ in range(3):
        with pytest.raises(RefusalError, match="cannot be stored") as refused:
            full.store([Upload("a", b"x" * 100_000), Upload("b", b"x" * 600_000)], "one")
        assert refused.value.status == 503
        assert [path.name for path in full.folder.iterdir()] == ["lock"]
    assert len(full.store([Upload("a", b"x" * 100_000)], "one")) == 1
    full.close()
