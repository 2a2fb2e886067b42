"""The service behind nginx and Caddy, at its own path, over HTTPS: ``make test-proxy``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest
from attacked import KEY
from proxied import NAME, Behind, Proxied

pytestmark = pytest.mark.proxy

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = [(path, tls) for path in ("/", "/sparrow/") for tls in (False, True)]
NAMES = ["http", "https", "http-path", "https-path"]
LARGE = 60_000_000


@pytest.mark.parametrize(("path", "tls"), VARIANTS, ids=NAMES)
def test_the_page_passes_its_browser_tests(behind: Behind, path: str, tls: bool) -> None:
    with behind("nginx", path, tls=tls) as proxied:
        environment = {**os.environ, "SPARROW_TEST_URL": proxied.url}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-m", "browser"]
        ran = subprocess.run(
            [*command, "tests/browser"],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout[-6000:]
        print(proxied.url, ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
@pytest.mark.parametrize(("path", "tls"), VARIANTS, ids=NAMES)
def test_what_the_page_needs_comes_through(
    behind: Behind, proxy: str, path: str, tls: bool
) -> None:
    with behind(proxy, path, tls=tls) as proxied, proxied.client() as client:
        config = client.get("config").json()
        assert config["root"].rstrip("/") == proxied.url.rstrip("/")
        assert client.get("theme.css").headers["content-type"].startswith("text/css")
        page = client.get("")
        assert page.status_code == 200
        assert str(proxied.service.port) not in page.text
        for name in ("livez", "docs", "docs.json", "model", "metrics", "favicon.ico"):
            assert client.get(name).status_code == 200, name
        if proxy == "nginx":  # Caddy knows by itself which names are its own
            assert client.get("model", headers={"host": NAME}).status_code == 200
            assert client.get("model", headers={"host": "attack.invalid"}).status_code == 421
        _large_photos_go_up(proxied, client)
        _events_come_at_once(client)


def _large_photos_go_up(proxied: Proxied, client: httpx.Client) -> None:
    large = proxied.service.photo + bytes(LARGE - len(proxied.service.photo))
    counted = client.post("detect", files={"photos": ("a.jpg", large, "image/jpeg")})
    assert counted.status_code == 200, counted.text[:300]
    assert counted.json()["photos"][0]["error"] is None
    stored = client.post("gradio_api/upload", files={"files": ("a.jpg", large, "image/jpeg")})
    assert stored.status_code == 200, stored.text[:300]
    shown = client.get(f"gradio_api/file={stored.json()[0]}")
    assert len(shown.content) == LARGE
    files = {"photos": ("a.jpg", bytes(70_000_000), "image/jpeg")}
    assert client.post("detect", files=files).status_code == 413


def _events_come_at_once(client: httpx.Client) -> None:
    """A proxy that collects answers would hold back the first event until the time limit."""
    with client.stream("GET", "gradio_api/heartbeat/visitor", timeout=10) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert b"ALIVE" in next(stream.iter_bytes())


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_two_visitors_have_two_rates_and_a_forged_address_has_none(
    behind: Behind, proxy: str
) -> None:
    limit = {"requests_per_minute": 6}
    with behind(proxy, "/sparrow/", settings=limit) as proxied:
        for visitor in ("127.0.0.2", "127.0.0.3"):
            with proxied.client(visitor) as client:
                answers = Counter(client.get("model").status_code for _ in range(20))
            print(proxy, visitor, dict(answers))
            assert 6 <= answers[200] <= 9
            assert answers[200] + answers[429] == 20
        for visitor, url in (("127.0.0.4", proxied.url), ("127.0.0.5", proxied.service.address)):
            with proxied.client(visitor) as client:
                answers = Counter(
                    client.get(f"{url.rstrip('/')}/model", headers=_forged(i)).status_code
                    for i in range(20)
                )
            print(proxy, f"forged, {visitor}", dict(answers))
            assert answers[200] <= 9, "a forged address had a rate of its own"


def _forged(i: int) -> dict[str, str]:
    address = f"10.9.8.{i}"
    return {
        "x-forwarded-for": address,
        "forwarded": f"for={address}",
        "x-real-ip": address,
        "cf-connecting-ip": address,
        "true-client-ip": address,
    }


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
@pytest.mark.parametrize(("path", "tls"), VARIANTS, ids=NAMES)
def test_a_log_in_has_a_cookie_for_this_address_alone(
    behind: Behind, proxy: str, path: str, tls: bool
) -> None:
    with behind(proxy, path, tls=tls, key=True) as proxied, proxied.client() as client:
        asked = client.get("", headers={"accept": "text/html"})
        assert asked.status_code == 303
        assert str(asked.next_request.url if asked.next_request else "") == f"{proxied.url}login"
        assert client.get("config").status_code == 401
        forged = {"x-forwarded-proto": "http" if tls else "https", "x-forwarded-prefix": "/evil",
                  "x-forwarded-host": "attack.invalid"}  # fmt: skip
        form = {"username": "x", "password": KEY}
        answer = client.post("login", data=form, headers=forged)
        cookie = answer.headers["set-cookie"]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert "httponly" in attributes
        assert ("secure" in attributes) is tls
        assert f"path={path.rstrip('/') or '/'}" in attributes
        config = client.get("config", headers=forged)
        assert config.json()["root"].rstrip("/") == proxied.url.rstrip("/")
        assert "attack.invalid" not in config.text


def test_a_direct_client_is_not_believed(behind: Behind) -> None:
    """Scheme, host and prefix are the proxy's to say."""
    with behind("nginx", "/sparrow/", key=True) as proxied:
        transport = httpx.HTTPTransport(local_address="127.0.0.9")
        forged = {"x-forwarded-proto": "https", "x-forwarded-prefix": "/evil", "x-api-key": KEY}
        base = proxied.service.address
        with httpx.Client(base_url=base, transport=transport, headers=forged) as client:
            answer = client.post("/login", data={"username": "x", "password": KEY})
            assert "secure" not in answer.headers["set-cookie"].lower()
            assert "/evil" not in answer.headers["set-cookie"]
            assert "/evil" not in client.get("/config").text
            assert "https://" not in client.get("/config").json()["root"]


@pytest.mark.parametrize("root_path", ["", "/sparrow"], ids=["prefix-header", "root-path"])
def test_a_proxy_that_takes_the_path_off(behind: Behind, root_path: str) -> None:
    """As an ingress does: the path is gone, and said in X-Forwarded-Prefix or not at all."""
    with behind("nginx", settings={"root_path": root_path}) as proxied:
        said = {"x-forwarded-prefix": "/sparrow", "x-forwarded-host": NAME,
                "x-forwarded-proto": "https", "x-api-key": KEY}  # fmt: skip
        if root_path:
            del said["x-forwarded-prefix"]
        with httpx.Client(base_url=proxied.service.address, headers=said) as ingress:
            assert ingress.get("/config").json()["root"] == f"https://{NAME}/sparrow"
            assert ingress.get("/theme.css").status_code == 200
            assert ingress.get("/sparrow/theme.css").status_code == 200
