"""The page in a real browser: what a visitor sees and does. Run by ``make test-browser``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.browser
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="module")
def address(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("served")
    (home / "service.yaml").write_text(f"stores: {{prediction_log: 'sqlite:///{home}/log.db'}}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(model_folder),
        "SPARROW_CONFIG": str(home / "service.yaml"),
    }
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Sparrow", "--port", str(port)]
    with (home / "log.txt").open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(360):
        assert server.poll() is None, "the server ended before it was ready"
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    raise AssertionError("the server was not ready in time")


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.on(
            "request",
            lambda r: (
                troubles.append(r.url)
                if urlsplit(r.url).scheme in ("http", "https") and not r.url.startswith(address)
                else None
            ),
        )
        page.goto(address)
        yield page
        browser.close()
    assert troubles == []  # no error in the console, no request to another host


def test_photos_are_counted_shown_judged_and_downloaded(
    page: Any, drawn_dataset: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    photos = sorted((drawn_dataset / "images").iterdir())[:3]
    page.set_input_files("input[type=file]", [str(path) for path in (*photos, text)])
    page.wait_for_selector(".answer h2")
    assert "in 3 photos" in page.inner_text(".answer h2")
    assert "1 of 4 photos could not be read" in page.inner_text(".answer")
    assert "this is not a photo" in page.inner_text(".scroll")
    # On a phone nothing hangs over the edge.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('.answer h2').innerText.startsWith('No ')")

    page.get_by_role("button", name="Yes, this is right").click()
    page.get_by_text("Thank you. Noted").wait_for()
    page.get_by_role("button", name="Prepare downloads").click()
    archive = page.locator("a[href*='annotated.zip']").first
    with page.expect_download() as download:
        archive.click()
    assert download.value.suggested_filename == "annotated.zip"


def test_the_model_and_the_service_have_a_tab(page: Any) -> None:
    page.get_by_role("tab", name="Model").click()
    page.get_by_text("test-detector, version 1").first.wait_for()
    page.get_by_role("tab", name="Service").click()
    page.get_by_text("Photos in the last 24 hours").wait_for()
