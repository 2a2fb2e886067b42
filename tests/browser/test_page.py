"""The page in a real browser: what a visitor sees and does. Run by ``make test-browser``.

Screenshots are kept where ``SCREENSHOTS`` names a folder; ``SPARROW_MODEL`` names a model to see,
``SPARROW_PHOTOS`` a folder of photos to count, ``SPARROW_TEST_URL`` the page of a service that
runs already, such as one behind a proxy.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from zipfile import ZipFile

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from server_process import bentoml_serve, free_port, started

pytestmark = pytest.mark.browser
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
RUNNING = os.environ.get("SPARROW_TEST_URL")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


WORKERS = {"threads": 0, "two-workers": 2} if RUNNING is None else {"running": 0}


@pytest.fixture(scope="module", params=WORKERS.values(), ids=WORKERS)
def address(
    request: pytest.FixtureRequest, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if RUNNING is not None:
        yield RUNNING
        return
    home = tmp_path_factory.mktemp("served")
    (home / "service.yaml").write_text(
        f"stores: {{prediction_log: 'sqlite:///{home}/log.db'}}\n"
        f"service: {{workers: {request.param}}}\n"
    )
    port = free_port()
    environment = {
        **os.environ,
        "SPARROW_MODEL": os.environ.get("SPARROW_MODEL", str(model_folder)),
        "SPARROW_CONFIG": str(home / "service.yaml"),
    }
    address = f"http://127.0.0.1:{port}"
    with started(bentoml_serve(port), f"{address}/readyz", home, environment):
        yield address


@contextmanager
def visit(address: str, *, width: int = 390, dark: bool = False) -> Iterator[Any]:
    """A visitor's page; no error in its console, and no request to another host."""
    from playwright.sync_api import sync_playwright

    troubles: list[str] = []

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

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": width, "height": 844 if width < 700 else 900},
            color_scheme="dark" if dark else "light",
            ignore_https_errors=RUNNING is not None,  # a test's certificate is its own
        )
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", note_error)
        page.on("request", note_foreign)
        page.goto(address)
        yield page
        browser.close()
    assert troubles == []


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    with visit(address) as page:
        yield page


@pytest.fixture(scope="module")
def photos() -> list[Path]:
    """Three photos of the folder that ``SPARROW_PHOTOS`` names, else the page's own examples."""
    examples = Path(__file__).resolve().parents[2] / "service" / "examples"
    return sorted(Path(os.environ.get("SPARROW_PHOTOS", examples)).glob("*.jpg"))[:3]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_it_looks_good(
    address: str, photos: list[Path], tmp_path: Path, width: int, dark: bool
) -> None:
    """What can be asserted of that: nothing hangs over the edge. The rest is for the eye."""
    shots = Path(os.environ.get("SCREENSHOTS", tmp_path))
    name = f"{'phone' if width < 700 else 'desktop'}-{'dark' if dark else 'light'}"
    with visit(address, width=width, dark=dark) as page:
        page.wait_for_selector(".examples img")
        page.screenshot(path=shots / f"{name}-empty.png", full_page=True)
        page.set_input_files("input[type=file]", [str(path) for path in photos])
        page.wait_for_selector(".answer h2")
        page.get_by_role("button", name="Prepare downloads").click()
        page.locator("a[href*='annotated.zip']").first.wait_for()
        page.wait_for_timeout(500)
        for tab in ("Count", "Model", "Service"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(1500)
            page.screenshot(path=shots / f"{name}-{tab.lower()}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_photos_are_counted_shown_confirmed_and_downloaded(
    page: Any, photos: list[Path], tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    page.set_input_files("input[type=file]", [str(path) for path in (*photos, text)])
    page.wait_for_selector(".answer h2")
    assert "in 3 photos" in page.inner_text(".answer h2")
    assert "1 of 4 photos could not be counted" in page.inner_text(".answer")
    assert "this is not a photo" in page.inner_text(".scroll")
    # On a phone nothing hangs over the edge.
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    slider = page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('.answer h2').innerText.startsWith('No ')")
    # What is on the screen is what is saved: none, with the slider at its end.
    page.get_by_role("button", name="Yes, 0 is right").click()
    page.get_by_text("Thank you. Saved: 0 in").wait_for()
    assert page.get_by_label("No, there are").input_value() == "0"
    page.keyboard.press("Home")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function("!document.querySelector('.answer h2').innerText.startsWith('No ')")
    yes = page.get_by_role("button", name="Yes, ")
    count = int(page.get_by_label("No, there are").input_value())
    assert count > 0
    assert yes.inner_text() == f"Yes, {count} is right"
    yes.click()
    page.get_by_text(f"Thank you. Saved: {count} in").wait_for()
    page.get_by_label("No, there are").fill("7")
    page.get_by_role("button", name="Save the true count").click()
    page.get_by_text("Saved: 7 in").wait_for()
    page.get_by_role("button", name="Prepare downloads").click()
    saved = {}
    for name in ("counts.csv", "counts.coco.json", "annotated.zip"):
        with page.expect_download() as download:
            page.locator(f"a[href*='{name}']").first.click()
        saved[name] = tmp_path / name
        download.value.save_as(saved[name])
    rows = list(csv.DictReader(saved["counts.csv"].read_text().splitlines()))
    assert [row["error"] for row in rows] == ["", "", "", "unreadable_photo"]
    assert len(json.loads(saved["counts.coco.json"].read_text())["images"]) == 3
    assert len(ZipFile(saved["annotated.zip"]).namelist()) == 3


def test_taking_a_photo_off_the_list_counts_no_other_again(
    page: Any, address: str, photos: list[Path]
) -> None:
    def logged() -> int:
        page.get_by_role("tab", name="Service").click()
        page.get_by_role("button", name="Look again").click()
        page.wait_for_timeout(1500)
        row = page.get_by_role("row", name="Photos in the last 24 hours")
        number = int(row.locator("td").nth(1).inner_text())
        page.get_by_role("tab", name="Count").click()
        return number

    before = logged()
    page.set_input_files("input[type=file]", [str(path) for path in photos])
    page.get_by_text("in 3 photos").first.wait_for()
    assert logged() == before + 3
    page.get_by_label("Remove this file").first.click()
    page.get_by_text("in 2 photos").first.wait_for()
    assert logged() == before + 3


def test_an_example_is_counted_by_keyboard_alone(page: Any) -> None:
    page.wait_for_selector(".examples img")
    page.locator(".examples button").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer h2")
    assert "sparrow" in page.inner_text(".answer h2")


def test_the_model_and_the_service_have_a_tab(page: Any) -> None:
    page.get_by_role("tab", name="Model").click()
    page.get_by_text("detector").first.wait_for()
    page.get_by_role("tab", name="Service").click()
    page.get_by_text("Photos in the last 24 hours").wait_for()


def written_as(photo: Path, folder: Path) -> list[Path]:
    """The photo as kinds that browsers do not show, or do not know to be images."""
    pixels = Image.open(photo)
    pillow_heif.register_heif_opener()
    pixels.save(folder / "a.HEIC")
    pixels.save(folder / "b.avif")
    Image.fromarray(np.asarray(pixels.convert("L")).astype(np.uint16) * 257).save(folder / "c.tif")
    pixels.save(folder / "d.jpe", "JPEG")
    return sorted(folder.iterdir())


def test_kinds_that_no_browser_shows_are_counted_and_drawn(
    page: Any, photos: list[Path], tmp_path: Path
) -> None:
    files = written_as(photos[0], tmp_path)
    page.set_input_files("input[type=file]", [str(path) for path in files])
    page.get_by_text("in 4 photos").first.wait_for()
    drawn = "[...document.querySelectorAll('.side-by-side img')].map(image => image.naturalWidth)"
    sources: list[str] = []
    for file in files:
        page.get_by_label("Photo shown").click()
        page.get_by_role("option", name=file.name).click()
        page.wait_for_function(f"{drawn}.length == 2 && {drawn}.every(width => width > 0)")
        page.wait_for_timeout(1500)
        sources.append(page.locator(".side-by-side img").first.get_attribute("src"))
    assert len(set(sources)) == 4
    assert all(source.endswith((".webp", ".png", ".jpg", ".jpeg")) for source in sources)
