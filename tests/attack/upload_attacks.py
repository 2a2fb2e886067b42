"""Attacks with bodies: broken off, never finished, refused, and many large ones at once."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
from attacked import Attacked
from page_attacks import after_effects
from visitor import API, Visitor

BROKEN_OFF = 500
HALF_SENT = 1100
SETTLE_S = 60.0  # for what the service does behind an answer


def _head(service: Attacked, path: str, cookie: str, length: int | None) -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    key = f"X-API-Key: {service.key}\r\n" if service.key else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n{key}Cookie: {cookie}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\n{size}\r\n\r\n"
    ).encode()


def form_part(name: str, content: bytes) -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n'
    return f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + content


def _chunk(content: bytes) -> bytes:
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def own_cookies(visitor: Visitor) -> str:
    return "; ".join(f"{c.name}={c.value}" for c in visitor.client.cookies.jar)


def broken_off_uploads(service: Attacked, count: int = BROKEN_OFF) -> list[str]:
    """Uploads that end in the middle, in five ways: no file and no descriptor is left."""
    with Visitor(service) as visitor:
        cookie = own_cookies(visitor)
    _break_off(service, cookie, 5)
    files, descriptors = _settled(service, {}, 0)
    _in_parallel(service, cookie, count)
    files_after, descriptors_after = _settled(service, files, descriptors)
    left = set(files_after) - set(files)
    print(
        f"{count} broken-off uploads: {len(left)} files ({sum(files_after[f] for f in left):,} "
        f"bytes) and {descriptors_after - descriptors} descriptors more than before"
    )
    troubles = []
    if left:
        troubles.append(f"{len(left)} files left by {count} broken-off uploads: {min(left)}, ...")
    if descriptors_after > descriptors + 5:
        troubles.append(f"{descriptors_after - descriptors} descriptors left by broken-off uploads")
    return troubles + after_effects(service)


def _in_parallel(service: Attacked, cookie: str, count: int) -> None:
    with ThreadPoolExecutor(16) as senders:
        list(senders.map(lambda i: _break_off(service, cookie, i % 5), range(count)))


def _break_off(service: Attacked, cookie: str, how: int) -> None:
    """How: 0, 1 the page's upload, whole parts then half of one; 2 in chunks; 3, 4 the API's."""
    path = (f"{API}/upload", f"{API}/upload", f"{API}/upload", "/detect", "/render")[how % 5]
    content = form_part("files" if how < 3 else "photos", bytes(200_000))
    try:
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
            connection.sendall(_head(service, path, cookie, None if how == 2 else 5_000_000))
            if how == 1:
                connection.sendall(content + b"\r\n")
            connection.sendall(_chunk(content) if how == 2 else content)
            if how == 2:
                connection.sendall(b"zz\r\n")  # and no chunk at all
            elif how == 4:
                linger = b"\x01\0\0\0\0\0\0\0"  # a reset in place of an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    except OSError:
        return  # refused early, which is as good


def _settled(
    service: Attacked, files: dict[object, int], descriptors: int
) -> tuple[dict[object, int], int]:
    """Files and descriptors, once they are no more than these or no longer change."""
    seen = []
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        now = dict(service.files()), service.descriptors()
        if descriptors and not set(now[0]) - set(files) and now[1] <= descriptors:
            return now
        seen.append(now)
        if not descriptors and len(seen) > 3 and seen[-1] == seen[-2] == seen[-3]:
            return now
        time.sleep(1)
    return now


def refused_uploads(service: Attacked) -> list[str]:
    """Too large ones, said at once or found out late: 413, and nothing of them is kept."""
    troubles = []
    before = set(service.files())

    def chunks() -> Iterator[bytes]:
        yield form_part("files", b"")
        for _ in range(90):
            yield bytes(1_000_000)

    with Visitor(service) as visitor:
        form = {"content-type": "multipart/form-data; boundary=b"}
        for _ in range(3):
            status = status_of(visitor.client, f"{API}/upload", chunks(), form)
            if status not in (0, 413):
                troubles.append(f"90 MB in chunks: {status}, expected 413")
            sized = {**form, "content-length": str(sum(map(len, chunks())))}
            status = status_of(visitor.client, f"{API}/upload", chunks(), sized)
            if status not in (0, 413):
                troubles.append(f"90 MB: {status}, expected 413")
    left: set[object] = set()
    for _ in range(10):
        left = set(service.files()) - before
        if not left:
            break
        time.sleep(1)
    troubles += [f"a refused upload left {path}" for path in left]
    return troubles + after_effects(service)


def status_of(
    client: httpx.Client, path: str, content: Iterator[bytes], headers: dict[str, str]
) -> int:
    """0: closed while it was being sent."""
    try:
        return client.post(path, content=content, headers=headers).status_code
    except httpx.HTTPError:
        return 0


HALVES = (
    "/detect", "/render", "/feedback", f"{API}/upload", f"{API}/queue/join", "/", "/model",
    "/login", f"{API}/cancel", "/metrics", "/readyz", "/nobody-made-this",
)  # fmt: skip


def half_sent_requests(service: Attacked, count: int = HALF_SENT) -> list[str]:
    """Requests that stop half way and stay: on every path, in the body and in the headers."""
    with Visitor(service) as visitor:
        cookie = own_cookies(visitor)
    troubles = []
    with ExitStack() as held:
        opened = []
        for i in range(count):
            try:
                connection = socket.create_connection(("127.0.0.1", service.port), timeout=5)
                held.enter_context(connection)
                head = _head(service, HALVES[i % len(HALVES)], cookie, 1_000_000)
                half = head[:60] if i % 4 == 3 else head + form_part("photos", b"half")
                connection.sendall(half)
                opened.append(connection)
            except OSError:
                continue  # refused: as good
        started = time.monotonic()
        trouble = service.counts()
        while trouble and time.monotonic() < started + 45:
            time.sleep(1)
            trouble = service.counts()
        waited = time.monotonic() - started
        print(
            f"{len(opened)} of {count} half-sent requests open: a photo counted {waited:.1f} s on"
        )
        if trouble:
            troubles.append(f"with {len(opened)} half-sent requests open, 45 s later: {trouble}")
        troubles += _never_ended(opened)
    return troubles + after_effects(service)


def _never_ended(opened: list[socket.socket]) -> list[str]:
    """Connections that neither got an answer nor were closed, a minute later."""
    ends = time.monotonic() + 60
    open_still = 0
    statuses: Counter[str] = Counter()
    for connection in opened:
        connection.settimeout(max(0.01, ends - time.monotonic()))
        try:
            first = connection.recv(32)
            statuses[first[9:12].decode() or "closed"] += 1
        except TimeoutError:
            open_still += 1
        except OSError:
            statuses["closed"] += 1
    print(f"half-sent requests ended with {dict(statuses)}, {open_still} never")
    return [f"{open_still} half-sent requests are open after a minute"] if open_still else []


def renewed_half_sent_bodies(service: Attacked, seconds: float = 20) -> list[str]:
    """As many half-sent bodies as requests may wait, made anew whenever one ends, by one client."""
    with Visitor(service) as visitor:
        cookie = own_cookies(visitor)
    ends = time.monotonic() + seconds

    def hold(i: int) -> None:
        path = HALVES[i % 4]
        while time.monotonic() < ends:
            try:
                with socket.create_connection(
                    ("127.0.0.1", service.port), timeout=5, source_address=("127.0.0.2", 0)
                ) as connection:
                    connection.sendall(_head(service, path, cookie, 1_000_000) + b"--b")
                    while connection.recv(4096):
                        pass
            except OSError:
                time.sleep(0.1)

    answers = []
    with ThreadPoolExecutor(128) as holders:
        held = [holders.submit(hold, i) for i in range(128)]
        time.sleep(2)
        while time.monotonic() < ends:
            answers.append(service.counts())
            time.sleep(0.5)
        for upload in held:
            upload.result()
    refused = [answer for answer in answers if answer]
    print(f"128 half-sent bodies, renewed: {len(refused)} of {len(answers)} photos not counted")
    troubles = []
    if len(refused) * 2 > len(answers):
        troubles.append(
            f"one client's half-sent bodies keep others out: {len(refused)} of {len(answers)} "
            f"honest photos, such as {refused[0]}"
        )
    return troubles + after_effects(service)
