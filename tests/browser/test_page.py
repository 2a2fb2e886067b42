"""The page in a real browser: what a visitor sees and does. Run by ``make test-browser``."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pillow_heif
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
SIZES = {"phone": 390, "desktop": 1280}


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which looks for faults of accessibility; fetched for these tests."""
    folder = tmp_path_factory.mktemp("axe")
    pack = ["npm", "pack", "--silent", "axe-core@4"]
    subprocess.run(pack, cwd=folder, check=True, capture_output=True)
    subprocess.run(["tar", "xzf", *folder.glob("*.tgz")], cwd=folder, check=True)
    return (folder / "package" / "axe.min.js").read_text()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_looks_good_and_axe_finds_no_serious_fault(
    visit: Any, add: Any, axe: str, photos: list[Path], shots: Path, size: str, dark: bool
) -> None:
    """What can be asserted of that: nothing hangs over the edge. The rest is for the eye."""
    name, width = f"{size}-{'dark' if dark else 'light'}", SIZES[size]
    with visit(width=width, dark=dark) as page:
        page.wait_for_selector(".example-list img")
        page.screenshot(path=shots / f"{name}-empty.png", full_page=True)
        faults = serious(page, axe)
        add(page, photos)
        assert page.locator("[data-words]").bounding_box()["y"] < page.viewport_size["height"]
        page.screenshot(path=shots / f"{name}-first-screen.png")
        page.get_by_role("button", name="Table (CSV)").click()
        page.locator("[data-downloaded] a").wait_for()
        for tab in ("Count", "Model", "Service"):
            page.get_by_role("tab", name=tab).click()
            page.wait_for_timeout(1500)
            page.screenshot(path=shots / f"{name}-{tab.lower()}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            faults += serious(page, axe)
    assert faults == []


def serious(page: Any, axe: str) -> list[str]:
    """Faults of WCAG A and AA that axe-core calls serious or critical, with their elements."""
    page.evaluate(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    return [
        f"{fault['id']}: {node['html'][:200]} {node['any'][0]['message'] if node['any'] else ''}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


def test_nothing_of_another_host_is_loaded_and_nothing_is_sent_there(
    address: str, browser: Any
) -> None:
    """By the browser, whatever got into the page; what the page itself needs, every test shows."""
    tries = """async () => {
        const refused = new Set();
        document.addEventListener("securitypolicyviolation", (event) => {
            refused.add(event.effectiveDirective);
        });
        const elsewhere = "http://127.0.0.1:9/";
        await fetch(elsewhere).catch(() => 0);
        const tags = {script: "src", img: "src", object: "data", iframe: "src"};
        for (const [tag, key] of Object.entries(tags)) {
            const element = document.createElement(tag);
            element[key] = elsewhere;
            document.body.append(element);
        }
        await new Promise((done) => setTimeout(done, 500));
        return [...refused].sort();
    }"""
    page = browser.new_page(ignore_https_errors=True)
    for path in ("", "docs"):
        page.goto(f"{address.rstrip('/')}/{path}")
        page.wait_for_selector("[data-count-page][data-ready], .swagger-ui .opblock")
        assert page.evaluate(tries) == [
            "connect-src", "frame-src", "img-src", "object-src", "script-src-elem",
        ]  # fmt: skip


def test_photos_are_counted_confirmed_and_downloaded(
    page: Any, add: Any, photos: list[Path], tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("not a photo")
    add(page, [*photos, text])
    assert "in 3 photos" in page.inner_text("[data-words]")
    assert "1 of 4 photos could not be counted" in page.inner_text("[data-hint]")
    assert "this is not a photo" in page.inner_text("[data-rows]")
    assert not page.locator("[data-examples]").evaluate("examples => examples.open")

    slider = page.locator("[data-score]")
    slider.focus()
    page.keyboard.press("End")
    page.get_by_text("with a score of 100% or more").wait_for()
    # What is on the screen is what is saved: none, with the slider at its end.
    page.get_by_role("button", name="Yes, 0 is right").click()
    page.get_by_text("Thank you. Saved: 0 in").wait_for()
    assert page.get_by_label("No, there are").input_value() == "0"
    page.locator("[data-own]").click()
    page.get_by_text("with a score of 100% or more").wait_for(state="detached")
    count = int(page.get_by_label("No, there are").input_value())
    page.get_by_role("button", name=f"Yes, {count} is right").click()
    page.get_by_text(f"Thank you. Saved: {count} in").wait_for()
    page.get_by_label("No, there are").fill("7")
    page.get_by_role("button", name="Save the true count").click()
    page.get_by_text("Saved: 7 in").wait_for()


def test_below_the_models_threshold_there_are_more_boxes(
    page: Any, add: Any, photos: list[Path]
) -> None:
    add(page, photos[:1])
    own = page.locator("button.box").count()
    page.locator("[data-score]").focus()
    page.keyboard.press("Home")
    page.get_by_text("the model counts those of").wait_for()
    assert page.locator("button.box").count() > own
    assert f"or more: {own}." in page.inner_text("[data-hint]")


def test_taking_a_photo_off_counts_no_other_again(page: Any, add: Any, photos: list[Path]) -> None:
    def logged() -> int:
        page.get_by_role("tab", name="Service").click()
        page.get_by_role("button", name="Look again").click()
        page.wait_for_timeout(1500)
        row = page.get_by_role("row", name="Photos in the last 24 hours")
        number = int(row.locator("td").nth(1).inner_text())
        page.get_by_role("tab", name="Count").click()
        return number

    before = logged()
    add(page, photos)
    assert logged() == before + 3
    page.get_by_role("button", name="Remove this photo").click()
    page.get_by_text("in 2 photos").first.wait_for()
    assert logged() == before + 3
    page.get_by_role("button", name="Remove all photos").click()
    page.locator("[data-result]").wait_for(state="hidden")


def test_arrow_keys_and_clicks_choose_the_photo(page: Any, add: Any, photos: list[Path]) -> None:
    add(page, photos)
    caption = page.locator("[data-caption]")
    assert photos[0].name in caption.inner_text()  # in the order in which they were chosen
    page.locator(".tile").first.focus()
    for key, number in (("ArrowRight", 1), ("End", 2), ("ArrowRight", 2), ("Home", 0)):
        page.keyboard.press(key)
        assert photos[number].name in caption.inner_text()
        assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    page.locator(".tile").nth(2).click()
    assert photos[2].name in caption.inner_text()
    page.get_by_role("button", name="Previous photo").click()
    assert photos[1].name in caption.inner_text()


def test_an_example_is_counted_by_keyboard_alone(page: Any) -> None:
    page.wait_for_selector(".example-list img")
    page.locator(".example-list button").nth(2).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer h2:not(:empty)")
    assert "sparrow" in page.inner_text("[data-words]")


@pytest.mark.skipif("SPARROW_TEST_URL" in os.environ, reason="the running service may have none")
def test_a_local_folder_is_counted_by_its_path(page: Any) -> None:
    page.get_by_text("Count a folder of the computer").click()
    place = page.get_by_label("Its path below garden")
    place.fill("../")
    page.get_by_role("button", name="Count this folder").click()
    page.get_by_text("Expected a path below garden").wait_for()
    place.fill("")
    page.get_by_role("button", name="Count this folder").click()
    page.get_by_text("in 3 photos").first.wait_for()
    assert "Not counted: 1 × text or notes." in page.inner_text("[data-trouble]")
    assert "May/one-bird.jpg" in page.inner_text("[data-rows]")


def test_the_model_and_the_service_have_a_tab_and_the_api_a_link(page: Any) -> None:
    page.get_by_role("tab", name="Model").click()
    page.get_by_text("detector").first.wait_for()
    page.get_by_role("tab", name="Service").click()
    page.get_by_text("Photos in the last 24 hours").wait_for()
    page.get_by_role("tab", name="Count").click()
    page.get_by_role("link", name="the API").click()
    page.get_by_text("/detect").first.wait_for()


def written_as(photo: Path, folder: Path) -> list[Path]:
    """The photo as kinds that browsers do not show, or do not know to be images."""
    pixels = Image.open(photo)
    pillow_heif.register_heif_opener()
    pixels.save(folder / "a.HEIC")
    pixels.save(folder / "b.avif")
    Image.fromarray(np.asarray(pixels.convert("L")).astype(np.uint16) * 257).save(folder / "c.tif")
    pixels.save(folder / "d.jpe", "JPEG")
    return sorted(folder.iterdir())


def test_kinds_that_no_browser_shows_are_counted_and_shown(
    page: Any, add: Any, photos: list[Path], tmp_path: Path
) -> None:
    files = written_as(photos[0], tmp_path)
    add(page, files)
    assert "in 4 photos" in page.inner_text("[data-words]")
    width = "document.querySelector('[data-photo]').naturalWidth"
    sources: list[str] = []
    for number in range(len(files)):
        page.locator(".tile").nth(number).click()
        page.wait_for_function(f"document.querySelector('[data-photo]').complete && {width} > 0")
        sources.append(page.locator("[data-photo]").get_attribute("src"))
    assert len(set(sources)) == 4
    assert all(source.endswith(".jpg") for source in sources)
    thumbnails = page.evaluate(
        "[...document.querySelectorAll('.tile img')].map(image => image.naturalWidth)"
    )
    assert len(thumbnails) == 4
    assert all(pixels > 0 for pixels in thumbnails)


def saved(page: Any, folder: Path, label: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=label).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_correction_by_mouse_and_keyboard_is_saved_and_downloaded(
    page: Any, add: Any, photos: list[Path], tmp_path: Path
) -> None:
    """One box is clicked away, one drawn by mouse, one by keyboard, which removes one as well."""
    add(page, photos[:2])
    boxes = page.locator("button.box")
    before = boxes.count()
    assert before > 0
    boxes.last.click()
    page.get_by_role("button", name=f"Yes, {before - 1} is right").wait_for()
    stage = page.locator("[data-stage]").bounding_box()
    x, y = stage["x"], stage["y"]
    page.mouse.move(x + 40, y + 30)
    page.mouse.down()
    page.mouse.move(x + 160, y + 110, steps=6)
    page.mouse.up()
    page.get_by_role("button", name=f"Yes, {before} is right").wait_for()
    page.get_by_role("button", name="Add a box").focus()
    for key in ("Enter", "ArrowRight", "ArrowDown", "Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name=f"Yes, {before + 1} is right").wait_for()
    boxes.first.focus()
    page.keyboard.press("Delete")
    page.get_by_role("button", name=f"Yes, {before} is right").wait_for()
    assert boxes.count() == before
    page.keyboard.press("Delete")  # the next box has the focus
    page.get_by_role("button", name=f"Yes, {before - 1} is right").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_label("Keep this photo").check()
    page.get_by_role("button", name=f"Yes, {before} is right").click()
    page.get_by_text("The photo and its boxes are kept for the next model").wait_for()

    shown = page.evaluate(
        """[...document.querySelectorAll('tbody tr')].map(row => [
          row.querySelector('th').innerText, row.querySelector('td').innerText])"""
    )
    assert shown[0] == [photos[0].name, str(before)]
    rows = list(csv.DictReader(saved(page, tmp_path, "Table (CSV)").read_text().splitlines()))
    assert [[row["file"], row["count"]] for row in rows] == shown
    made = json.loads(saved(page, tmp_path, "Boxes (COCO JSON)").read_text())
    corners = page.evaluate(
        "[...document.querySelectorAll('button.box')].map(element => element.box.corners)"
    )
    of_first = [box["bbox"] for box in made["annotations"] if box["image_id"] == 1]
    expected = [[a, b, c - a, d - b] for a, b, c, d in corners]
    np.testing.assert_allclose(sorted(of_first), sorted(expected), atol=1e-3)
    with ZipFile(saved(page, tmp_path, "Annotated photos")) as pictures:
        assert pictures.namelist() == [f"00{n}-{p.stem}.jpg" for n, p in enumerate(photos[:2], 1)]
        with Image.open(pictures.open(pictures.namelist()[0])) as picture:
            drawn = np.asarray(picture).astype(int)
    plain = np.asarray(Image.open(photos[0]).convert("RGB")).astype(int)
    for left, top, _, bottom in corners:  # the left side of each box is drawn there
        x, middle = round(left), round((top + bottom) / 2)
        changed = np.abs(drawn - plain)[middle, max(0, x - 2) : x + 3].max()
        assert changed > 60, (left, top)


def test_a_correction_by_touch(visit: Any, add: Any, photos: list[Path]) -> None:
    """A finger scrolls, so it draws only after the button was tapped; a tap removes a box."""
    with visit(width=390, touch=True) as page:
        add(page, photos[:1])
        boxes = page.locator("button.box")
        before = boxes.count()
        boxes.last.tap()
        page.get_by_role("button", name=f"Yes, {before - 1} is right").wait_for()
        page.get_by_role("button", name="Add a box").tap()
        stage = page.locator("[data-stage]")
        stage.scroll_into_view_if_needed()
        place = stage.bounding_box()
        touch = page.context.new_cdp_session(page)
        for kind, dx in (("touchStart", 20), ("touchMove", 60), ("touchMove", 120)):
            point = {"x": place["x"] + dx, "y": place["y"] + dx}
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.get_by_role("button", name=f"Yes, {before} is right").wait_for()


def test_sixty_photos_of_12_megapixels_go_in_with_a_bar(
    page: Any, add: Any, tmp_path: Path
) -> None:
    """Together larger than one request may be (64 MB): each goes in by itself, none is lost."""
    rng = np.random.default_rng(3)
    grain = rng.integers(0, 60, (3000, 4000, 3), np.uint8)  # as a camera's: no small file
    paths = []
    for number in range(60):
        pixels = np.roll(grain, number * 64, axis=1) + np.uint8(number * 3)
        paths.append(tmp_path / f"IMG_{number:04d}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=60)
    assert sum(path.stat().st_size for path in paths) > 100e6
    statuses: list[int] = []
    page.on("response", lambda answer: statuses.append(answer.status))
    page.set_input_files("[data-files]", [str(path) for path in paths])
    page.wait_for_selector("progress:visible")
    seen: list[float] = []
    told: set[str] = set()
    bar, words = page.locator("[data-bar]"), page.locator("[data-progress-words]")
    while page.locator("[data-progress]").is_visible():
        seen.append(bar.evaluate("bar => bar.value / bar.max"))
        told.add(words.evaluate("words => words.textContent"))
        page.wait_for_timeout(200)
    assert "in 60 photos" in page.inner_text("[data-words]")
    assert seen == sorted(seen)  # it moved, and never back
    assert len(set(seen)) > 5
    assert any("of 60 photos" in text for text in told)
    assert set(statuses) == {200}
    assert page.locator(".tile").count() == 60
    assert page.locator("[data-failed]").is_hidden()
    names = page.evaluate("[...document.querySelectorAll('tbody th')].map(cell => cell.innerText)")
    assert names == [path.name for path in paths]
