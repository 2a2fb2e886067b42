"""Append only, and one successor for every entry."""

from __future__ import annotations

import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from sparrow.registry.promotion_log import Change, PromotionConflictError, PromotionLog


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/made/on/demand/promotions.db"


@pytest.fixture
def log(url):
    log = PromotionLog(url, "m")
    yield log
    log.close()


def test_an_empty_log(log):
    assert log.entries() == []


def test_entries_come_back_in_order(log, monkeypatch):
    monkeypatch.setenv("METAFLOW_USER", "ada")
    log.append(0, None, Change(1, "first", evidence={"gates": [{"passed": True}]}))
    log.append(1, 1, Change(2, "über", forced=True))
    first, second = log.entries()
    assert (first.number, first.from_version, first.to_version) == (1, None, 1)
    assert (first.who, first.forced) == ("ada", False)
    assert first.evidence == {"gates": [{"passed": True}]}
    assert first.at.endswith("+00:00")
    assert (second.number, second.why, second.forced, second.evidence) == (2, "über", True, {})


def test_models_have_logs_of_their_own(log, url):
    log.append(0, None, Change(1, "why"))
    other = PromotionLog(url, "other")
    assert other.entries() == []
    other.append(0, None, Change(7, "why"))
    assert [entry.to_version for entry in log.entries()] == [1]
    other.close()


def test_a_taken_place_is_told_with_who_took_it(log, monkeypatch):
    monkeypatch.setenv("METAFLOW_USER", "ada")
    log.append(0, None, Change(1, "first"))
    monkeypatch.setenv("METAFLOW_USER", "bob")
    with pytest.raises(PromotionConflictError) as refused:
        log.append(0, None, Change(2, "also first"))
    assert "ada made version 1 champion" in str(refused.value)
    assert "version 2 was on its way" in str(refused.value)
    assert "sparrow history" in str(refused.value)
    assert len(log.entries()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_at_once_one_wins(url, kind, request):
    if kind == "postgresql":
        url = f"{request.getfixturevalue('postgres')}/postgres"
    logs = [PromotionLog(url, "m") for _ in range(6)]

    def append(number):
        try:
            return logs[number].append(0, None, Change(number, "mine")).to_version
        except PromotionConflictError:
            return None

    with ThreadPoolExecutor(len(logs)) as pool:
        won = [number for number in pool.map(append, range(len(logs))) if number is not None]
    assert [entry.to_version for entry in logs[0].entries()] == won
    assert len(won) == 1
    for log in logs:
        log.close()


def test_a_container_without_a_user_name(log, monkeypatch):
    for name in ("METAFLOW_USER", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)  # no entry in the password file
    assert log.append(0, None, Change(1, "why")).who == "unknown"


def three_entries(log):
    for number, why in enumerate(("first", "second", "third")):
        log.append(number, number or None, Change(number + 1, why, evidence={"gain": 0.1}))


def edit(url, statement):
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
        assert file.execute(statement).rowcount > 0
        file.commit()


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE promotions SET why = 'better' WHERE number = 2", 2),
        ("UPDATE promotions SET who = 'eve' WHERE number = 1", 1),
        ("UPDATE promotions SET at = '2020-01-01T00:00:00+00:00' WHERE number = 3", 3),
        ("UPDATE promotions SET to_version = 9 WHERE number = 2", 2),
        ("UPDATE promotions SET from_version = NULL WHERE number = 3", 3),
        ("UPDATE promotions SET forced = 1 WHERE number = 1", 1),
        ("UPDATE promotions SET evidence = '{}' WHERE number = 2", 2),
        ("UPDATE promotions SET evidence = 'no JSON' WHERE number = 2", 2),
        ("UPDATE promotions SET sha256 = NULL WHERE number = 2", 2),
        ("UPDATE promotions SET sha256 = 'abc' WHERE number = 3", 3),
        ("UPDATE promotions SET number = 7 WHERE number = 2", 2),
        ("UPDATE promotions SET model = 'other' WHERE number = 3", 3),
        ("DELETE FROM promotions WHERE number = 1", 1),
        ("DELETE FROM promotions WHERE number = 2", 2),
        ("DELETE FROM promotions WHERE number = 3", 3),
        ("DELETE FROM promotions", 1),
        ("DELETE FROM promotion_heads", 3),
        (
            "INSERT INTO promotions SELECT model, 4, at, who, from_version, to_version, why, "
            "forced, evidence, sha256 FROM promotions WHERE number = 3",
            4,
        ),
    ],
)
def test_what_is_changed_by_hand_is_named_and_said(
    log, url, caplog, monkeypatch, statement, number
):
    monkeypatch.setattr(logging.getLogger("sparrow"), "propagate", True)  # the service turns it off
    three_entries(log)
    log.entries()
    assert (log.verify(), caplog.records) == (None, [])
    edit(url, statement)
    assert log.verify().number == number
    log.entries()
    log.entries()  # said once, not with every look
    # Another library's set-up can hand one record to pytest by two loggers.
    [said] = {id(record): record for record in caplog.records}.values()
    assert said.levelname == "ERROR"
    assert "changed by hand" in said.getMessage()
    assert str(number) in said.getMessage()


def test_an_entry_moved_under_another_model_is_found(log, url):
    three_entries(log)
    edit(url, "UPDATE promotions SET model = 'other'")
    assert log.verify().number == 1
    other = PromotionLog(url, "other")
    assert other.verify().number == 1
    other.close()


def test_a_broken_chain_does_not_heal_by_going_on(log, url):
    three_entries(log)
    edit(url, "UPDATE promotions SET why = 'x' WHERE number = 2")
    log.append(3, 3, Change(4, "fourth"))
    assert log.verify().number == 2


def test_reading_while_entries_are_written_finds_nothing(url):
    writer, reader = PromotionLog(url, "m"), PromotionLog(url, "m")

    def write():
        for number in range(40):
            writer.append(number, None, Change(number + 1, "why"))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not writing.done():
            assert reader.verify() is None
        writing.result()
    assert len(reader.entries()) == 40
    writer.close()
    reader.close()
