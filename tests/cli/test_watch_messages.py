"""What receivers are told: the journal as a queue, the most of a day, Home Assistant's sensors."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jinja2
import pytest

from sparrow.cli.count_journal import Journal
from sparrow.cli.counted_folder import VisitOptions
from sparrow.cli.journal_entry import Entry
from sparrow.cli.watch_home_assistant import Topics, configs, name_of
from sparrow.cli.watch_message import Messages, is_told
from sparrow.cli.watch_queue import Queue

CLASSES = ("robin", 'it"s, {{ odd }}')
TODAY = date(2026, 5, 2)


def entry(name: str, counts: tuple[int, int], taken: str = "", **more: Any) -> Entry:
    record = {
        "id": f"id of {name}",
        "time": datetime(2026, 5, 2, 12, tzinfo=UTC).isoformat(),
        "file_name": f"/home/{name}",
        "sha256": name,
        "count": sum(counts),
        "count_low": None,
        "count_high": None,
        "error": None,
        "boxes": [],
        "model_name": "m",
        "model_version": "1",
        "class_counts": [
            {"label": label, "count": count, "low": count, "high": count + 1}
            for label, count in zip(CLASSES, counts, strict=True)
        ],
    }
    base: Entry = {
        "record": record, "message": None, "file": [1, 2, 3], "annotated": None,
        "real": f"/home/{name}", "smallest_px": None, "shot": {"taken": taken, "camera": ""},
    }  # fmt: skip
    return {**base, **more}  # type: ignore[typeddict-item]


def taken_from(queue: Queue) -> list[str]:
    names = []
    while (found := queue.next()) is not None:
        names.append(found["record"]["sha256"])
        queue.taken()
    return names


def test_a_new_receiver_begins_with_the_next_photo_and_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "c.csv.journal"
    with closing(Journal(tmp_path / "c.csv", "model")) as journal:
        journal.add(entry("before", (0, 0)))
        with closing(Queue(path, "hook")) as queue:
            assert queue.next() is None
            journal.add(entry("a", (1, 0)))
            journal.add(entry("b", (1, 0)))
            assert queue.waiting() == 2
            assert queue.next()["record"]["sha256"] == "a"  # and it is killed before it is taken
        with closing(Queue(path, "hook")) as queue:
            assert [e["record"]["sha256"] for e in queue.before()] == ["before"]
            assert taken_from(queue) == ["a", "b"]
        with closing(Queue(path, "hook")) as queue:
            assert queue.next() is None
            assert not queue.restarted
        with closing(Queue(path, "other")) as queue:
            assert queue.next() is None


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "c.csv.journal"
    with closing(Journal(tmp_path / "c.csv", "model")) as journal, closing(Queue(path, "x")) as q:
        with path.open("ab") as file:
            file.write(b"0123")
        assert q.next() is None
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 4)
        journal.add(entry("a", (1, 0)))
        assert taken_from(q) == ["a"]


def test_a_journal_that_lost_its_end_or_a_line_tells_nothing_twice(tmp_path: Path) -> None:
    """The power goes, and the position is on the disk but not the journal's last lines."""
    path = tmp_path / "c.csv.journal"
    with closing(Journal(tmp_path / "c.csv", "model")) as journal, closing(Queue(path, "x")) as q:
        for name in "abcd":
            journal.add(entry(name, (1, 0)))
        assert taken_from(q) == list("abcd")
    head, a, b, c, d = path.read_bytes().splitlines(keepends=True)
    for left, again in (
        ([head, a, b], []),
        ([head, a, c, d], []),
        ([head, a, c], []),
        ([head, c, d], []),
        ([head, c], ["c"]),  # it cannot be told from another journal
    ):
        path.write_bytes(b"".join(left))
        position = (tmp_path / "c.csv.journal.x").read_bytes()
        with closing(Queue(path, "x")) as queue:
            assert taken_from(queue) == again
        (tmp_path / "c.csv.journal.x").write_bytes(position)


@pytest.mark.parametrize("position", ['{"offset": 99999, "sum": "x"}', '{"offset": 40}', "no json"])
def test_a_position_in_another_journal_tells_all_again(tmp_path: Path, position: str) -> None:
    with closing(Journal(tmp_path / "c.csv", "model")) as journal:
        journal.add(entry("a", (1, 0)))
        (tmp_path / "c.csv.journal.x").write_text(position)
        with closing(Queue(tmp_path / "c.csv.journal", "x")) as queue:
            assert queue.restarted
            assert taken_from(queue) == ["a"]


def test_the_most_of_the_day_is_of_photos_taken_today() -> None:
    messages = Messages(Path("/home"), CLASSES, VisitOptions())
    assert messages.state(None, TODAY)["most_today"] == dict.fromkeys(("all", *CLASSES), 0)
    messages.note(entry("a", (3, 1), "2026-05-02T08:00:00"), TODAY)
    messages.note(entry("b", (1, 2)), TODAY)  # no time: it was counted today
    messages.note(entry("c", (9, 9), "2026-05-01T23:59:59"), TODAY)  # it came late
    state = messages.state(entry("c", (9, 9)), TODAY)
    assert state["most_today"] == {"all": 4, "robin": 3, CLASSES[1]: 2}
    assert state["last"] == {"all": 18, "robin": 9, CLASSES[1]: 9}
    tomorrow = date(2026, 5, 3)
    assert messages.is_new_day(tomorrow)
    assert messages.state(entry("c", (9, 9)), tomorrow)["most_today"]["all"] == 0


def test_a_photo_is_told_by_its_name_and_classes() -> None:
    messages = Messages(Path("/home"), CLASSES, VisitOptions())
    told = messages.photo(entry("cam/a.jpg", (3, 1), "2026-05-02T08:00:00+02:00"))
    assert told["id"] == "id of cam/a.jpg"
    assert (told["file"], told["camera"], told["count"]) == ("cam/a.jpg", "cam", 4)
    assert told["classes"]["robin"] == {"count": 3, "low": 3, "high": 4}
    assert told["taken_at"] == "2026-05-02T08:00:00+02:00"


def test_only_photos_that_were_counted_just_then_are_told() -> None:
    assert is_told(entry("a", (1, 0)))
    assert not is_told(entry("a", (1, 0), renamed=True))
    failed = entry("a", (1, 0))
    failed["record"]["error"] = "unreadable_photo"
    assert not is_told(failed)


def test_sensors_show_what_the_state_says() -> None:
    """Home Assistant's templates are Jinja2, with the message as ``value_json``."""
    topics = Topics(name_of("Mein Garten!"))
    assert topics.state == "sparrow/mein_garten/state"
    messages = Messages(Path("/home"), CLASSES, VisitOptions())
    messages.note(entry("a", (3, 1)), TODAY)
    shown = {}
    for topic, config in configs(topics, CLASSES).items():
        if topic.startswith("homeassistant/sensor/"):
            for last in (entry("b", (0, 5)), None):
                values = json.loads(json.dumps(messages.state(last, TODAY)))
                template = jinja2.Environment(autoescape=True).from_string(config["value_template"])
                shown[config["name"], last is None] = template.render(value_json=values)
    assert shown["robin, most today", False] == "3"
    assert shown["robin, last photo", False] == "0"
    assert shown[f"{CLASSES[1]}, last photo", False] == "5"
    assert shown["all, last photo", False] == "5"
    assert shown["robin, last photo", True] == "None"  # Home Assistant shows "unknown"
    assert len({config["unique_id"] for config in configs(topics, CLASSES).values()}) == 7


def test_a_model_of_one_class_has_no_sensor_of_all() -> None:
    topics = list(configs(Topics("x"), ("robin",)))
    assert topics == [
        "homeassistant/sensor/sparrow_x_robin_0_last/config",
        "homeassistant/sensor/sparrow_x_robin_0_most_today/config",
        "homeassistant/binary_sensor/sparrow_x_watching/config",
    ]
