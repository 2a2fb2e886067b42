"""Attacks with more than a service can hold: large photos, many at once, many small ones."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
from attacked import Attacked
from page_attacks import after_effects
from upload_attacks import form_part, own_cookies, status_of
from visitor import API, Visitor

MAX_BODY_BYTES = 64 * 1024
LARGE = 50
LARGE_BYTES = 60_000_000
RESIDENT_BUDGET_MB = 1000  # for the whole service while 50 uploads of 60 MB arrive at once


class Peak:
    """Watches resident memory, from entering to leaving."""

    def __init__(self, service: Attacked) -> None:
        self._service = service
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self.before_mb = self.peak_mb = self._service.resident_mb()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.peak_mb = max(self.peak_mb, self._service.resident_mb())

    @property
    def grown_mb(self) -> float:
        return self.peak_mb - self.before_mb


def large_texts(service: Attacked) -> list[str]:
    """Widgets' values of megabytes; one is kept for every session."""
    troubles = []
    for size in (MAX_BODY_BYTES + 1, 1_000_000, 20_000_000):
        with Visitor(service) as visitor:
            event = visitor.event("folder")
            heard = visitor.send(event.number, event.plain(folder="x" * size))
            if heard.status != 413:
                troubles.append(f"a text of {size:,} bytes: {heard.status}, expected 413")
    return troubles + after_effects(service)


def one_upload_many_times(service: Attacked) -> list[str]:
    """One 20 MB upload, named 32 times by one event: as much to read as 640 MB sent."""
    troubles = []
    with Visitor(service) as visitor, Peak(service) as peak:
        path = visitor.upload(service.photo + bytes(20_000_000))
        heard = visitor.show([path] * 32)
        if heard.status != 413:
            troubles.append(
                f"32 times one upload: {heard.status}, expected 413 ({heard.raw[:200]!r})"
            )
    if peak.grown_mb > 300:
        troubles.append(f"32 times one upload: {peak.grown_mb:.0f} MB more while it was read")
    return troubles + after_effects(service)


def large_uploads(service: Attacked, count: int = LARGE) -> list[str]:
    """60 MB each, all at once, to the API and to the page: memory stays within its budget."""
    with Visitor(service) as visitor:
        cookie = own_cookies(visitor)
    ids = {p.pid for p in service.processes()}
    statuses: Counter[int] = Counter()
    block = bytes(500_000)

    def content(field: str) -> Iterator[bytes]:
        yield form_part(field, service.photo)
        for _ in range(LARGE_BYTES // len(block)):
            yield block
        yield b"\r\n--b--\r\n"

    def send(i: int) -> None:
        path = ("/detect", f"{API}/upload", "/render")[i % 3]
        field = "files" if i % 3 == 1 else "photos"
        headers = {"content-type": "multipart/form-data; boundary=b", "cookie": cookie}
        transport = httpx.HTTPTransport(local_address="127.0.0.4")  # not on the others' account
        with service.client(timeout=120, transport=transport) as client:
            statuses[status_of(client, path, content(field), headers)] += 1

    with Peak(service) as peak, ThreadPoolExecutor(count) as senders:
        list(senders.map(send, range(count)))
    print(f"{count} uploads of 60 MB: at most {peak.peak_mb:.0f} MB resident, {dict(statuses)}")
    troubles = []
    if peak.peak_mb > RESIDENT_BUDGET_MB:
        troubles.append(f"{peak.peak_mb:.0f} MB resident; the budget is {RESIDENT_BUDGET_MB}")
    if set(statuses) - {0, 200, 408, 413, 422, 429, 503}:
        troubles.append(f"large uploads: {dict(statuses)}")
    if ids - {p.pid for p in service.processes()}:
        troubles.append("a process of the service died of large uploads")
    return troubles + after_effects(service)


def many_small_files(service: Attacked, uploads: int = 300) -> list[str]:
    """Thousands of files of one byte: the next upload must not take longer for each of them."""
    troubles = []
    files = [("files", (f"{i}.jpg", b"x", "image/jpeg")) for i in range(32)]
    with Visitor(service, address="127.0.0.3") as visitor:
        statuses: Counter[int] = Counter()
        spent = []
        for _ in range(uploads):
            before = service.processor_s()
            statuses[visitor.client.post(f"{API}/upload", files=files).status_code] += 1
            spent.append(service.processor_s() - before)
    first, last = sum(spent[:20]), sum(spent[-20:])
    print(
        f"{uploads * 32} small files: 20 uploads {first:.2f} s, then {last:.2f} s of a processor; "
        f"{dict(statuses)}"
    )
    if last > 3 * first + 0.5:
        troubles.append(
            f"20 uploads cost {first:.2f} s of a processor at first, {last:.2f} s at last"
        )
    if set(statuses) - {200, 429, 503}:
        troubles.append(f"small files: {dict(statuses)}")
    return troubles + after_effects(service)
