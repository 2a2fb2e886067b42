"""Keys, log-ins and rates: wrong ones are limited and written down, and the page counts as well."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from attacked import KEY, SECRET, Attacked, Start
from visitor import API, Visitor

pytestmark = pytest.mark.attack


def log_in(service: Attacked, password: str, **more: str) -> int:
    """Status of a log-in by somebody at another address than the honest client's."""
    with neighbour(service) as client:
        form = {"username": "x", "password": password}
        return client.post("/login", data=form, headers=more).status_code


def neighbour(service: Attacked) -> httpx.Client:
    transport = httpx.HTTPTransport(local_address="127.0.0.2")
    return httpx.Client(base_url=service.address, timeout=20, transport=transport)


def test_wrong_log_ins_are_few_and_written_down(start: Start) -> None:
    with start(key=True) as service:
        tries = Counter(log_in(service, f"wrong-{i}-{SECRET.decode()}") for i in range(300))
        assert tries[200] == 0
        assert tries[429] >= 280, tries
        # Whoever guesses is locked out for a while, even with the right one.
        assert log_in(service, KEY) == 429
        forged = {
            "x-forwarded-for": "10.1.2.3",
            "forwarded": "for=10.1.2.3",
            "x-real-ip": "1.1.1.1",
        }
        assert log_in(service, "wrong", **forged) == 429
        # Who has the key, at another address, is not kept out by these guesses.
        assert service.counts() is None
    lines = [line for line in service.output.splitlines() if "127.0.0.2" in line]
    assert sum("wrong" in line for line in lines) >= 5, "guesses leave no line with their address"
    assert len(lines) >= 300
    assert SECRET.decode() not in service.output


def test_wrong_keys_count_against_the_rate(start: Start) -> None:
    with start(key=True, settings={"requests_per_minute": 12}) as service:
        tries = Counter(
            httpx.get(f"{service.address}/model", headers=headers, timeout=20).status_code
            for i in range(20)
            for headers in ({"x-api-key": f"wrong{i}"}, {"authorization": f"bearer w{i}"})
        )
        assert tries[401] <= 13, tries
        assert tries[429] >= 27, tries
        assert KEY not in service.output


@pytest.mark.parametrize("key", [False, True], ids=["open", "key"])
def test_the_page_has_the_rate_of_the_api(start: Start, key: bool) -> None:
    with start(key=key, settings={"requests_per_minute": 6}) as service, Visitor(service) as page:
        event = page.event("show")
        answers = [page.send(event.number, event.plain()) for _ in range(20)]
        assert sum(not answer.refused for answer in answers) <= 7
        assert 429 in {answer.status for answer in answers}
        uploads = Counter(
            page.client.post(f"{API}/upload", files={"files": ("a.jpg", service.photo)}).status_code
            for _ in range(10)
        )
        assert uploads[429] >= 8, uploads
        # The address has used up its rate for the API too.
        with service.client() as client:
            assert client.get("/model").status_code == 429


@pytest.mark.parametrize("key", [False, True], ids=["open", "key"])
def test_a_clean_stop_leaves_nothing_of_a_visitor(start: Start, key: bool) -> None:
    with start(key=key) as service, Visitor(service) as visitor:
        assert visitor.count(service.photo + SECRET, "mine.jpg").success
        download = visitor.event("download")
        said = visitor.send(download.number, download.plain(what="pictures"))
        assert b"annotated.zip" in said.raw
    left = list(service.files())
    assert left == [], f"{len(left)} files: {left[:3]}"
