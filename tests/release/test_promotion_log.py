"""Append only, and one successor for every entry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sparrow.release.promotion_log import PromotionConflictError, PromotionLog


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
    log.append(0, None, 1, "first", evidence={"gates": [{"passed": True}]})
    log.append(1, 1, 2, "über", forced=True)
    first, second = log.entries()
    assert (first.number, first.from_version, first.to_version) == (1, None, 1)
    assert (first.who, first.forced) == ("ada", False)
    assert first.evidence == {"gates": [{"passed": True}]}
    assert first.at.endswith("+00:00")
    assert (second.number, second.why, second.forced, second.evidence) == (2, "über", True, {})


def test_models_have_logs_of_their_own(log, url):
    log.append(0, None, 1, "why")
    other = PromotionLog(url, "other")
    assert other.entries() == []
    other.append(0, None, 7, "why")
    assert [entry.to_version for entry in log.entries()] == [1]
    other.close()


def test_a_taken_place_is_told_with_who_took_it(log, monkeypatch):
    monkeypatch.setenv("METAFLOW_USER", "ada")
    log.append(0, None, 1, "first")
    monkeypatch.setenv("METAFLOW_USER", "bob")
    with pytest.raises(PromotionConflictError) as refused:
        log.append(0, None, 2, "also first")
    assert "ada made version 1 champion" in str(refused.value)
    assert "version 2 was on its way" in str(refused.value)
    assert "sparrow history" in str(refused.value)
    assert len(log.entries()) == 1


def test_of_many_at_once_one_wins(url):
    logs = [PromotionLog(url, "m") for _ in range(6)]

    def append(number):
        try:
            return logs[number].append(0, None, number, "mine").to_version
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
    assert log.append(0, None, 1, "why").who == "unknown"
