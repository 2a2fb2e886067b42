"""Attacks over HTTP that need no page: routes, hosts, keys, forms, and what metrics say of them."""

from __future__ import annotations

import random
import socket
import string
from typing import Any

import httpx
from attacked import KEY, SECRETS, Attacked
from page_attacks import after_effects
from visitor import API

# What Gradio brings along and the page has no use for; {bait} is a file of the host.
NEEDLESS = (
    ("GET", "/gradio_api/dev/reload"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/run/predict/"),
    ("POST", "/gradio_api/api/predict"),
    ("POST", "/gradio_api/call/predict"),
    ("POST", "/gradio_api/call/v2/predict"),
    ("GET", "/gradio_api/call/predict/x"),
    ("GET", "/gradio_api/deep_link?session_hash=x"),
    ("GET", "/gradio_api/info"),
    ("GET", "/gradio_api/openapi.json"),
    ("GET", "/gradio_api/proxy=http://attack-five.invalid/a"),
    ("GET", "/gradio_api/file=http://attack-six.invalid/a.jpg"),
    ("GET", "/gradio_api/file=//attack-seven.invalid/a.jpg"),
    ("GET", "/gradio_api/file={bait}/photo.jpg"),
    ("GET", "/gradio_api/file=/etc/passwd"),
    ("GET", "/gradio_api/file=..%2f..%2f..%2fetc%2fpasswd"),
    ("HEAD", "/gradio_api/file=/proc/self/environ"),
    ("GET", "/gradio_api/file/etc/passwd"),
    ("GET", "/gradio_api/stream/a/1/2/playlist.m3u8"),
    ("GET", "/gradio_api/stream/a/1/2/3.ts"),
    ("POST", "/gradio_api/stream/x"),
    ("POST", "/gradio_api/stream/x/close"),
    ("POST", "/gradio_api/component_server"),
    ("POST", "/gradio_api/process_recording"),
    ("GET", "/gradio_api/vibe-code"),
    ("POST", "/gradio_api/vibe-code"),
    ("POST", "/gradio_api/vibe-edit"),
    ("POST", "/gradio_api/undo-vibe-edit"),
    ("POST", "/gradio_api/vibe-starter-queries"),
    ("GET", "/gradio_api/custom_component/1/client/a/b.js"),
    ("GET", "/gradio_api/token"),
    ("GET", "/gradio_api/queue/status"),
    ("GET", "/gradio_api/runs"),
    ("POST", "/gradio_api/run-history/connect"),
    ("GET", "/gradio_api/run-history/records"),
    ("GET", "/gradio_api/profiling/traces"),
    ("GET", "/monitoring"),
    ("GET", "/monitoring/summary"),
    ("GET", "/monitoring/x"),
    ("GET", "/svelte/..%2f..%2fx"),
    ("GET", "/pwa_icon"),
)
PROBES = ("/livez", "/readyz", "/healthz")
GUARDED = (
    ("POST", "/detect"), ("POST", "/render"), ("POST", "/feedback"), ("GET", "/model"),
    ("GET", "/metrics"), ("GET", "/metrics/"), ("GET", "/docs"), ("GET", "/docs.json"),
    ("GET", "/schema.json"), ("GET", "/openapi.json"), ("GET", "/config"), ("GET", "//metrics"),
    ("GET", "/config/"), ("POST", "/gradio_api/upload"), ("POST", "/gradio_api/queue/join"),
    ("GET", "/gradio_api/queue/data?session_hash=x"), ("GET", "/gradio_api/heartbeat/x"),
    ("GET", "/gradio_api/upload_progress?upload_id=x"), ("POST", "/gradio_api/cancel"),
    ("GET", "/gradio_api/startup-events"), ("GET", "/gradio_api/file=x.jpg"),
    ("GET", "/gradio_api/app_id"),
    ("GET", "/gradio_api/info"), ("GET", "/gradio_api/openapi.json"),
)  # fmt: skip
NO_KEYS: tuple[dict[str, str], ...] = (
    {}, {"x-api-key": ""}, {"x-api-key": KEY[:-1]}, {"x-api-key": KEY.upper()},
    {"x-api-key": "é"}, {"authorization": f"basic {KEY}"}, {"authorization": "bearer"},
    {"authorization": f"bearer {KEY}x"}, {"cookie": f"access-token={KEY}"},
    {"authorization": f"bearer {KEY[1:]}"}, {"x-forwarded-for": "127.0.0.1"},
)  # fmt: skip


def needless_routes(service: Attacked) -> list[str]:
    """Only what the page uses is there."""
    troubles = []
    with service.client(timeout=5) as client:
        for method, path in NEEDLESS:
            path = path.format(bait=service.bait)
            status, body = _start(client, method, path)
            if status not in (400, 401, 403, 404, 405):
                troubles.append(f"{method} {path}: {status}")
            troubles += [f"{method} {path} gave {s!r}" for s in SECRETS if s in body]
    return troubles + after_effects(service)


def _start(client: httpx.Client, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    """Status and the first bytes: a stream would have no end."""
    body = {"json": {"data": [], "session_hash": "x"}} if method == "POST" else {}
    try:
        with client.stream(method, path, **body, **more) as answer:
            first = next(answer.iter_bytes(), b"") if answer.status_code < 300 else answer.read()
            return answer.status_code, first
    except httpx.ReadTimeout:
        return 200, b"(no byte came)"


def without_the_key(service: Attacked) -> list[str]:
    """Where one is required: nothing answers without it, nor with a wrong one."""
    if service.key is None:
        return []
    troubles = []
    for number, headers in enumerate(NO_KEYS, 2):  # each from elsewhere: wrong ones are limited
        transport = httpx.HTTPTransport(local_address=f"127.0.1.{number}")
        with httpx.Client(base_url=service.address, timeout=5, transport=transport) as client:
            raw = {name: value.encode() for name, value in headers.items()}
            wrong = sum(name in ("x-api-key", "authorization") for name in headers)
            for method, path in GUARDED[:5] if wrong else GUARDED:
                status, _ = _start(client, method, path, headers=raw)
                if status not in (401, 404):
                    troubles.append(f"{method} {path} with {headers or 'no key'}: {status}")
    with httpx.Client(base_url=service.address, timeout=5) as client:
        for path in PROBES:
            if client.get(path).status_code != 200:
                troubles.append(f"{path}: a probe needs no key")
    troubles += _with_the_key(service)
    return troubles + after_effects(service)


def _with_the_key(service: Attacked) -> list[str]:
    troubles = []
    ways = ("Bearer", "bearer", "BEARER", "bEaReR")
    for headers in [{"x-api-key": KEY}, *({"authorization": f"{way} {KEY}"} for way in ways)]:
        for path in ("/model", "/metrics", "/docs.json"):
            answer = httpx.get(f"{service.address}{path}", headers=headers, timeout=20)
            if answer.status_code != 200:
                troubles.append(f"{path} with {next(iter(headers.items()))}: {answer.status_code}")
    return troubles


def foreign_hosts(service: Attacked) -> list[str]:
    """A name that somebody points at this address (DNS rebinding) is not this service's.

    A browser that is led here by such a name sends the name, never an address: addresses may pass.
    """
    port = service.port
    bad = (
        "attack.invalid", f"attack.invalid:{port}", "localhost.attack.invalid", "127.0.0.1.nip.io",
        "", "evil@localhost", "localhost evil", "xn--lcalhost-f1a", "2130706433", "local%68ost",
        "attack.invalid:127.0.0.1", "[attack.invalid]", "127.0.0.1@attack.invalid",
        "127.0.0.1#.attack.invalid", "127.0.0.1, attack.invalid", "0x7f000001", "::1.invalid",
    )  # fmt: skip
    good = ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST")
    troubles = []
    for host, paths, expected in (
        *((h, ("/", "/model", "/detect", "/metrics", "/config"), (400, 421)) for h in bad),
        *((h, ("/model",), (200,)) for h in good),
        *((h, PROBES, (200,)) for h in (*bad[:3], *good)),
    ):
        for path in paths:
            status = raw_status(service, "GET", path, host)
            if status not in expected:
                troubles.append(f"Host: {host!r} {path}: {status}, expected {expected}")
    return troubles + after_effects(service)


def raw_status(service: Attacked, method: str, path: str, host: str) -> int:
    """Status; 0: closed without one."""
    key = f"X-API-Key: {service.key}\r\n" if service.key else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{key}Connection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head.encode())
        first = connection.recv(64)
    return int(first.split()[1]) if first.startswith(b"HTTP/") else 0


STARTS = (
    "/", "/detect/", f"{API}/file=", f"{API}/heartbeat", "/static/", "/model/", f"{API}/queue/",
    "/docs-viewer/", "/assets/", "/-",
)  # fmt: skip
METHODS = ("GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "ATTACK")


def random_paths(service: Attacked, count: int = 1000) -> list[str]:
    """Paths that nobody made, and names of other people's photos: none becomes a metric."""
    chance = random.Random(11)

    def ask(i: int) -> None:
        name = "".join(chance.choices(string.ascii_letters + string.digits, k=12))
        path = f"{STARTS[i % len(STARTS)]}attack-{name}"
        client.request(METHODS[i % len(METHODS)], path)

    with service.client() as client:
        for i in range(len(STARTS) * len(METHODS)):  # each kind has been seen once
            ask(i)
        _series(client)
        before = _series(client)
        for i in range(count):
            ask(i)
        after = _series(client)
        body = client.get("/metrics").text
    print(f"{count} random paths: {len(body):,} bytes of metrics, {len(after)} series")
    troubles = [
        f"/metrics has {len(after - before)} new series, such as {new}"
        for new in sorted(after - before)[:3]
    ]
    troubles += [f"/metrics has {part!r}" for part in ("attack-", ".jpg", "ATTACK") if part in body]
    return troubles + after_effects(service)


def _series(client: httpx.Client) -> set[str]:
    answer = client.get("/metrics").raise_for_status()
    return {line.rsplit(" ", 1)[0] for line in answer.text.splitlines() if line[:1] != "#"}


def injected_forms(service: Attacked) -> list[str]:
    """A "photo" that holds a whole second field: an address that BentoML would fetch."""
    urls = (
        f"http://127.0.0.1:{service.listener.port}/a.jpg",
        "http://attack-eight.invalid/a.jpg",
        "HTTPS://attack-nine.invalid/a.jpg",
        f"http://localhost:{service.listener.port}/a.jpg",
        "http://192.88.98.7/a.jpg",
    )
    boundaries = (
        "sparrow-photo-boundary-5f1c2a9be07d4c63",  # fixed and public until it was made random
        "outer", "", "sparrow", "-", "0" * 32,
    )  # fmt: skip
    troubles = []
    with service.client() as client:
        for url in urls:
            for boundary in boundaries:
                for path in ("/detect", "/render"):
                    answer = client.post(path, **_form("outer", _second_field(boundary, url)))
                    troubles += _check_form(answer, f"{path}, boundary {boundary!r}, {url}")
    return troubles + after_effects(service)


def _second_field(boundary: str, url: str) -> bytes:
    field = f'--{boundary}\r\nContent-Disposition: form-data; name="photos"\r\n\r\n{url}'
    return f"x\r\n{field}\r\n{field}".encode()


def _form(boundary: str, content: bytes) -> dict[str, Any]:
    head = b'Content-Disposition: form-data; name="photos"; filename="a.jpg"\r\n\r\n'
    body = b"--%s\r\n%s%s\r\n--%s--\r\n" % (boundary.encode(), head, content, boundary.encode())
    return {
        "content": body,
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
    }


def _check_form(answer: httpx.Response, what: str) -> list[str]:
    if answer.status_code in (400, 422):
        return []
    if answer.status_code == 200 and len(answer.json()["photos"]) == 1:
        return [] if answer.json()["photos"][0]["error"] else [f"{what}: counted"]
    return [f"{what}: {answer.status_code} {answer.text[:150]}"]
