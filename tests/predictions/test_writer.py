"""Nothing that was handed over is lost: whatever the log, the disk or the process does."""

from __future__ import annotations

import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from sparrow.database import VERSION_TABLE
from sparrow.predictions import writer as prediction_writer
from sparrow.predictions.log import LogAwayError, PredictionLog, UnknownPredictionError
from sparrow.predictions.log_state import LogState
from sparrow.predictions.record import ClassCount, LoggedBox, PredictionRecord, new_id
from sparrow.predictions.spill import PredictionSpill
from sparrow.predictions.unwritable import close_spill
from sparrow.predictions.window import read_window
from sparrow.predictions.writer import PredictionWriter


def record(name: str = "a.jpg") -> PredictionRecord:
    box = LoggedBox("sparrow", 0.5, 1, 2, 3, 4)
    now = datetime.now(UTC)
    counted = ClassCount("sparrow", 1, None, None), ClassCount("tit", 0, 0, 1)
    return PredictionRecord(
        new_id(), now, "api", "birds", "3", name, count=1, boxes=(box,), class_counts=counted
    )


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_writer, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(prediction_writer, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(logging.getLogger("sparrow"), "propagate", True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log" / "predictions.db"


@pytest.fixture
def log(path: Path) -> Iterator[PredictionLog]:
    log = PredictionLog(f"sqlite:///{path}", lock_wait_s=0.1)
    yield log
    log.close()


class Lock:
    """Another connection that holds the log's lock."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.rollback()
        self._connection.close()


def ids_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [row[0] for row in file.execute("SELECT id FROM predictions ORDER BY rowid")]


def spills(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.jsonl"))


def fill(ballast: Path) -> None:
    """Write until the disk is full."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def until(true: Callable[[], Any]) -> None:
    for _ in range(1200):
        if true():
            return
        time.sleep(0.025)
    raise AssertionError("it did not come true")


def test_what_cannot_be_written_at_the_end_is_read_in_at_the_next_start(
    log: PredictionLog, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = Lock(path)
    records = [record() for _ in range(7)]
    writer = PredictionWriter(log)
    for one in records:
        writer.append(one)
    writer.close(timeout_s=5)
    [spill] = spills(path)
    said = caplog.records[-1].getMessage()
    assert "7 photos could not be written" in said
    assert str(spill.parent) in said
    lock.release()
    assert ids_in(path) == []
    for _ in range(2):  # the second start finds nothing more
        again = PredictionWriter(log)
        assert again.flush()
        again.close()
        assert ids_in(path) == [one.id for one in records]
    assert spills(path) == []
    window = read_window(log)
    assert len(window.boxes) == 7
    assert window.class_counts["label"].tolist() == ["sparrow", "tit"] * 7
    assert window.class_counts["high"].fillna(-1).tolist() == [-1, 1] * 7


def test_a_spill_of_the_release_before_is_read_in(log: PredictionLog, path: Path) -> None:
    spill, one = PredictionSpill(log.url), record()
    spill.write([one])
    spill.close()
    [file] = spills(path)
    values = json.loads(file.read_text())
    del values["class_counts"]
    file.write_text(json.dumps(values) + "\n")
    writer = PredictionWriter(log)
    assert writer.flush()
    writer.close()
    window = read_window(log)
    assert window.photos["id"].tolist() == [one.id]
    assert window.class_counts.empty


def test_a_close_that_finds_the_writer_hanging_spills_what_it_holds(path: Path) -> None:
    log = PredictionLog(f"sqlite:///{path}", lock_wait_s=3)
    lock = Lock(path)
    writer = PredictionWriter(log, capacity=4)
    records = [record() for _ in range(11)]  # more than fit: no call blocks
    for one in records:
        writer.append(one)
        time.sleep(0.05)
    writer.close(timeout_s=0.1)
    lock.release()
    again = PredictionWriter(log)
    assert again.flush()
    again.close()
    assert sorted(ids_in(path)) == sorted(one.id for one in records)
    # In a service the process ends here. In the next test it would meet a log that is gone.
    writer._thread.join(30)
    close_spill(writer._spill)
    log.close()


def test_memory_is_bounded_while_the_log_is_away(log: PredictionLog, path: Path) -> None:
    lock = Lock(path)
    writer = PredictionWriter(log, capacity=50)
    records = [record() for _ in range(1000)]
    for one in records:
        writer.append(one)
        assert len(writer._waiting) <= 50
    assert not writer.flush(5)
    assert writer.state.away
    lock.release()
    until(lambda: not writer.state.away)
    assert writer.flush()
    writer.close()
    assert sorted(ids_in(path)) == sorted(one.id for one in records)


def test_states_are_told(log: PredictionLog, path: Path) -> None:
    told: list[LogState] = []
    lock = Lock(path)
    writer = PredictionWriter(log, on_change=told.append)
    writer.append(record())
    until(lambda: told and told[-1].away and told[-1].waiting == 1)
    lock.release()
    until(lambda: told[-1] == LogState())
    writer.close()


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE predictions",
        "DROP TABLE boxes",
        "ALTER TABLE predictions RENAME COLUMN count TO n",
        "CREATE TRIGGER no BEFORE INSERT ON boxes BEGIN SELECT RAISE(ABORT, 'disk on fire'); END",
    ],
)
def test_a_log_that_is_damaged_makes_nobody_throw_records_away(
    log: PredictionLog, path: Path, damage: str
) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.execute(damage)
    records = [record() for _ in range(3)]
    writer = PredictionWriter(log)
    for one in records:
        writer.append(one)
    writer.flush(5)
    writer.close()
    lines = [line for spill in spills(path) for line in spill.read_text().splitlines()]
    kept = [json.loads(line)["id"] for line in lines]
    assert sorted(kept) == sorted(one.id for one in records)


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": datetime(2026, 5, 1)},  # without a zone
        {"width_px": 2**70},
        {"latency_ms": object()},
        {"sha256": None},
        {"file_name": 5},
    ],
)
def test_a_record_that_cannot_be_stored_is_set_aside_and_the_others_are_written(
    log: PredictionLog, path: Path, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = replace(record(), **wrong), record()
    writer = PredictionWriter(log)
    for one in (bad, good):
        writer.append(one)
    assert writer.flush()
    later = record()
    writer.append(later)  # the thread goes on
    assert writer.flush()
    writer.close()
    assert ids_in(path) == [good.id, later.id]
    [refused] = spills(path)
    assert refused.name == "predictions.db.refused.jsonl"
    assert json.loads(refused.read_text())["id"] == bad.id
    assert f"prediction {bad.id} was refused" in caplog.text


@pytest.mark.parametrize("event", ["removed", "folder removed", "replaced", "restored", "renamed"])
def test_a_log_that_is_removed_or_replaced_is_noticed(
    log: PredictionLog, path: Path, event: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, meanwhile, after = record(), record(), record()
    log.append([record("older")])
    backup = path.with_name("backup")
    with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(backup)) as copy:
        file.backup(copy)
    writer = PredictionWriter(log)
    writer.append(before)
    assert writer.flush()
    if event == "removed":
        path.unlink()
    elif event == "folder removed":
        for one in path.parent.iterdir():
            one.unlink()
        path.parent.rmdir()
    elif event == "renamed":
        path.rename(path.with_name("elsewhere.db"))
    else:
        if event == "replaced":
            backup.unlink()
            PredictionLog(f"sqlite:///{backup}").close()
        backup.replace(path)
    writer.append(meanwhile)
    assert writer.flush()
    writer.append(after)
    assert writer.flush()
    assert (writer.state.replaced, writer.state.away) == (1, False)
    log.add_feedback(after.id, true_count=2)
    writer.close()
    log.close()
    [said] = [one for one in caplog.records if "while it was in use" in one.getMessage()]
    assert said.levelname == "ERROR"
    there = ids_in(path)
    assert there[-2:] == [meanwhile.id, after.id]
    [rescued] = path.parent.glob("*.before-*") if event in ("replaced", "restored") else [path]
    assert before.id in ids_in(rescued)
    assert str(rescued) in said.getMessage()
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("content", [b"", b"no database, " * 1000, b"SQLite format 3\0" + b"x" * 9])
@pytest.mark.parametrize("in_place", [True, False])
def test_a_log_that_became_garbage_loses_nothing_new(
    log: PredictionLog, path: Path, content: bytes, in_place: bool
) -> None:
    writer = PredictionWriter(log)
    writer.append(record())
    assert writer.flush()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if in_place:
        path.write_bytes(content)
    else:
        path.with_name("other").write_bytes(content)
        path.with_name("other").replace(path)
    one = record()
    writer.append(one)
    writer.flush(5)
    writer.close()
    log.close()
    kept = "".join(spill.read_text() for spill in spills(path))
    try:
        there = ids_in(path)
    except sqlite3.DatabaseError:
        there = []
    assert (one.id in kept) or (one.id in there)


def test_feedback_into_a_removed_log_is_stored_or_refused(log: PredictionLog, path: Path) -> None:
    one = record()
    log.append([one])
    path.unlink()
    log.add_feedback(one.id, true_count=2)  # its rows were rescued
    assert read_window(log).feedback["true_count"].tolist() == [2]
    lock = Lock(path)
    for _ in range(2):
        with pytest.raises(LogAwayError, match="locked"):
            log.add_feedback(one.id, true_count=3)
    lock.release()
    with pytest.raises(UnknownPredictionError):
        log.add_feedback("f" * 32, true_count=3)


def test_a_full_disk_that_also_holds_the_spill_refuses_and_loses_nothing(
    small_disk: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    disk = small_disk("full", 1.0)
    log = PredictionLog(f"sqlite:///{disk}/log.db", lock_wait_s=0.1)
    writer = PredictionWriter(log, capacity=200)
    fill(disk / "ballast")
    accepted: list[str] = []

    def hand_over() -> None:
        for _ in range(3000):
            one = record("x" * 255)
            writer.append(one)
            accepted.append(one.id)
            time.sleep(0.002)

    with pytest.raises(LogAwayError, match="takes nothing"):
        hand_over()
    assert len(accepted) >= 200
    (disk / "ballast").unlink()
    until(writer.flush)
    writer.close()
    assert sorted(ids_in(disk / "log.db")) == sorted(accepted)
    log.close()
    assert "takes no photos either" in caplog.text


def test_what_no_disk_takes_at_the_end_is_printed(
    small_disk: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    disk = small_disk("gone-read-only", 4)
    log = PredictionLog(f"sqlite:///{disk}/log.db", lock_wait_s=0.1)
    writer = PredictionWriter(log)
    log._engine.dispose()  # a file that is open for writing keeps its disk writable
    log._file.close()  # type: ignore[union-attr]
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    one = record()
    writer.append(one)
    writer.close(timeout_s=5)
    lines = [entry for entry in caplog.records if entry.levelname == "CRITICAL"]
    assert "1 photos can be written nowhere" in lines[0].getMessage()
    assert one.id in lines[1].getMessage()


CHILD = """
import sys, time
sys.path.insert(0, {tests!r})
from test_writer import record
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.writer import PredictionWriter
writer = PredictionWriter(PredictionLog(sys.argv[1], lock_wait_s=0.1))
for _ in range(100_000):
    one = record()
    writer.append(one)
    print(time.time(), one.id, flush=True)
    time.sleep(0.005)
"""


@pytest.mark.slow
def test_killed_while_the_log_is_away_its_photos_wait_on_the_disk(
    log: PredictionLog, path: Path
) -> None:
    lock = Lock(path)
    code = CHILD.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, f"sqlite:///{path}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ}) as child:
        assert child.stdout is not None
        said = [child.stdout.readline().split() for _ in range(600)]
        child.send_signal(signal.SIGKILL)
        said += [line.split() for line in child.stdout.read().splitlines()]
        end = float(said[-1][0])
    lock.release()
    writer = PredictionWriter(log)
    assert writer.flush()
    writer.close()
    there = ids_in(path)
    assert len(there) == len(set(there))
    # 0.2 s of a batch and 0.1 s of an attempt at the lock; the rest is for a busy machine.
    assert {name for moment, name in said if float(moment) < end - 1.5} <= set(there)


@pytest.mark.parametrize("cut", [0, 1, 40, -1])
def test_a_cut_line_is_set_aside_and_the_others_are_read(
    log: PredictionLog, path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    spill = PredictionSpill(log.url)
    records = [record() for _ in range(3)]
    spill.write(records)
    spill.close()
    [file] = spills(path)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1][:cut] + (b"\n" if cut >= 0 else b"")
    file.write_bytes(b"".join(lines) if cut >= 0 else lines[0] + lines[2] + lines[1])
    writer = PredictionWriter(log)
    assert writer.flush()
    writer.close()
    whole = {0, 2} if cut >= 0 else {0, 1, 2}  # only the end of the last line is missing
    assert {one.id for i, one in enumerate(records) if i in whole} == set(ids_in(path))
    assert spills(path) == []
    damaged = list(path.parent.glob("*.damaged"))
    assert len(damaged) == (1 if cut >= 0 else 0)
    assert ("cannot be read; it is in" in caplog.text) == (cut >= 0)


def test_two_processes_that_start_at_once_read_a_spill_once(log: PredictionLog, path: Path) -> None:
    spill = PredictionSpill(log.url)
    records = [record() for _ in range(1200)]
    spill.write(records)
    spill.close()
    writers = [PredictionWriter(log) for _ in range(4)]
    until(lambda: not spills(path))
    for writer in writers:
        assert writer.flush()
        writer.close()
    assert ids_in(path) == [one.id for one in records]


def test_a_spill_of_a_living_process_is_left_to_it(log: PredictionLog, path: Path) -> None:
    other = PredictionSpill(log.url)
    other.write([record()])
    writer = PredictionWriter(log)
    assert writer.flush()
    writer.close()
    assert ids_in(path) == []
    assert len(spills(path)) == 1
    other.close()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sqlite:///{}/a/log.db", "sqlite:///{}/b/log.db"),
        ("postgresql://me:x@one/log", "postgresql://me:x@two/log"),
        ("postgresql://one/log", "postgresql://one/log2"),
    ],
)
def test_logs_that_share_a_folder_do_not_share_their_spill(
    tmp_path: Path, first: str, second: str
) -> None:
    one = PredictionSpill(first.format(tmp_path), tmp_path)
    one.write([record()])
    one.close()
    assert PredictionSpill(second.format(tmp_path), tmp_path).waiting == 0
    assert PredictionSpill(first.format(tmp_path), tmp_path).waiting == 1
    assert "me:x" not in "".join(path.name for path in tmp_path.iterdir())


def test_many_threads_hand_over_at_once(log: PredictionLog, path: Path) -> None:
    writer = PredictionWriter(log, capacity=10)

    def hand_over() -> None:
        for _ in range(200):
            writer.append(record())

    threads = [threading.Thread(target=hand_over) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writer.flush()
    writer.close()
    assert len(set(ids_in(path))) == 1000


def test_a_log_of_a_newer_release_that_was_put_in_its_place(log: PredictionLog, path: Path) -> None:
    writer = PredictionWriter(log)
    newer = path.with_name("newer")
    PredictionLog(f"sqlite:///{newer}").close()
    with closing(sqlite3.connect(newer)) as file:
        file.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9'")
        file.commit()
    newer.replace(path)
    one = record()
    writer.append(one)
    assert not writer.flush(5)
    assert writer.state.away
    writer.close()
    assert one.id in "".join(spill.read_text() for spill in spills(path))
    assert len(list(path.parent.glob("*.before-*"))) == 1  # not one for each attempt


def test_a_log_that_does_not_answer_is_away_and_what_comes_goes_to_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_writer, "HANG_SECONDS", 0.3)
    log = PredictionLog(f"sqlite:///{path}", lock_wait_s=60)  # the thread waits on and on
    lock = Lock(path)
    told: list[LogState] = []
    writer = PredictionWriter(log, on_change=told.append)
    records = [record() for _ in range(40)]
    for one in records:
        writer.append(one)
        time.sleep(0.03)
    assert writer.hangs
    assert told[-1].away
    [spill] = spills(path)
    kept = {json.loads(line)["id"] for line in spill.read_text().splitlines()}
    in_flight = {one.id for one in writer._in_flight}
    assert kept | in_flight == {one.id for one in records}
    lock.release()
    until(writer.flush)
    writer.close()
    assert not writer.state.away
    assert sorted(ids_in(path)) == sorted(one.id for one in records)
    log.close()


def test_connections_that_were_made_while_the_file_was_read_only_do_not_stay(
    log: PredictionLog, path: Path
) -> None:
    log.append([record()])
    log._engine.dispose()
    files = [path, Path(f"{path}-wal")]
    if subprocess.run(["chattr", "+i", *files], capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here (chattr +i)")
    try:
        one = record()
        with pytest.raises(OperationalError, match=r"readonly|disk I/O"):
            log.append([one])
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)
    log.append([one])
    assert ids_in(path)[-1] == one.id
