"""A running page and visitors in a real browser.

Screenshots are kept where ``SCREENSHOTS`` names a folder; ``SPARROW_MODEL`` names a model to see,
``SPARROW_PHOTOS`` a folder of photos to count, ``SPARROW_TEST_URL`` the page of a service that
runs already, such as one behind a proxy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from server_process import bentoml_serve, free_port, started
from small_model import write_small_model

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
RUNNING = os.environ.get("SPARROW_TEST_URL")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
EXAMPLES = Path(__file__).resolve().parents[2] / "service" / "examples"

# Any: of playwright, which is installed for these tests alone.
Visit = Callable[..., AbstractContextManager[Any]]


@pytest.fixture(scope="session")
def local_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``service.page_folder`` of the served page names."""
    folder = tmp_path_factory.mktemp("local") / "garden"
    (folder / "May").mkdir(parents=True)
    for path in EXAMPLES.iterdir():
        shutil.copy(path, folder / "May" / path.name)
    (folder / "notes.txt").write_text("two wrens")
    return folder


@pytest.fixture(scope="session")
def served_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds three objects in any photo, and a fourth below its threshold of 0.5."""
    boxes = (
        (0.9, 4, 4, 24, 24),
        (0.8, 30, 30, 50, 50),
        (0.6, 56, 10, 80, 34),
        (0.3, 8, 36, 24, 60),
    )
    folder = tmp_path_factory.mktemp("model") / "model"
    return write_small_model(folder, [(1, *box) for box in boxes])


@pytest.fixture(scope="session")
def address(
    served_model: Path, local_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if RUNNING is not None:
        yield RUNNING
        return
    home = tmp_path_factory.mktemp("served")
    (home / "service.yaml").write_text(
        f"stores: {{prediction_log: 'sqlite:///{home}/log.db'}}\n"
        f"service: {{keep_folder: '{home}/kept', page_folder: '{local_folder}'}}\n"
    )
    port = free_port()
    environment = {
        **os.environ,
        "SPARROW_MODEL": os.environ.get("SPARROW_MODEL", str(served_model)),
        "SPARROW_CONFIG": str(home / "service.yaml"),
    }
    address = f"http://127.0.0.1:{port}"
    with started(bentoml_serve(port), f"{address}/readyz", home, environment):
        yield address


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))


@pytest.fixture(scope="session")
def visit(address: str) -> Visit:
    """A visitor's page; no error in its console, and no request to another host."""

    @contextmanager
    def open_page(*, width: int = 390, dark: bool = False, touch: bool = False) -> Iterator[Any]:
        from playwright.sync_api import sync_playwright

        troubles: list[str] = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(
                viewport={"width": width, "height": 844 if width < 700 else 900},
                color_scheme="dark" if dark else "light",
                has_touch=touch,
                ignore_https_errors=RUNNING is not None,  # a test's certificate is its own
            )
            page.set_default_timeout(60_000)
            watch(page, address, troubles)
            page.goto(address)
            page.wait_for_selector("[data-count-page][data-ready]")
            yield page
            browser.close()
        assert troubles == []

    return open_page


def watch(page: Any, address: str, troubles: list[str]) -> None:
    """Note what goes wrong in a page."""

    def note_foreign(request: Any) -> None:
        if urlsplit(request.url).scheme in ("http", "https") and not request.url.startswith(
            address
        ):
            troubles.append(request.url)

    def note_error(message: Any) -> None:
        # Of a page at a path, the browser asks its host's root for an icon until the page's script
        # has named one: that is another's place.
        outside = message.location["url"] == urljoin(address, "/favicon.ico")
        if message.type == "error" and not (outside and urlsplit(address).path not in ("", "/")):
            troubles.append(message.text)

    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", note_error)
    page.on("request", note_foreign)


@pytest.fixture
def browser() -> Iterator[Any]:
    """Where something is meant to go wrong."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(visit: Visit) -> Iterator[Any]:
    with visit(width=1280) as page:
        yield page


@pytest.fixture(scope="session")
def photos() -> list[Path]:
    """Three photos of the folder that ``SPARROW_PHOTOS`` names, else the page's own examples."""
    return sorted(Path(os.environ.get("SPARROW_PHOTOS", EXAMPLES)).glob("*.jpg"))[:3]


@pytest.fixture(scope="session")
def add() -> Callable[..., None]:
    """Choose photos in a page, and wait until all of them are counted."""

    def add_photos(page: Any, paths: list[Path]) -> None:
        page.set_input_files("[data-files]", [str(path) for path in paths])
        page.wait_for_selector(".answer h2:not(:empty)")
        page.locator("[data-progress]").wait_for(state="hidden")

    return add_photos
