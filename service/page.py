"""The page for people: drop photos, see birds, correct the count. Nothing leaves this host."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from service import page_actions as actions
from service.answers import MAX_COUNT
from service.desk import Desk
from service.page_actions import PagePhoto
from service.settings import Settings
from sparrow.evaluation.figures import FOUND_COLOR

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.jpg"))
STYLE = """
.gradio-container {max-width: 1080px !important; width: 100% !important; min-width: 0 !important;
  margin: 0 auto !important}
.answer {padding: .25rem 0 .5rem}
.answer h2 {font-size: clamp(1.6rem, 5vw, 2.6rem); line-height: 1.15; margin: 0; font-weight: 700}
.answer p {margin: .35rem 0 0; font-size: 1.05rem; opacity: .85}
.examples .grid-container {grid-template-columns: repeat(3, 1fr) !important}
.examples .thumbnail-lg {aspect-ratio: 4 / 3 !important; height: auto !important}
.examples, .examples .grid-wrap {min-height: 0 !important; height: auto !important}
.card table {display: block; overflow-x: auto; border: 0 !important; font-size: .95rem}
.card tr, .card th, .card td {border: 0 !important; padding: .4rem .7rem .4rem 0 !important;
  overflow-wrap: normal !important; word-break: normal !important}
.card tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll {overflow-x: auto}
.scroll table {width: 100%; border-collapse: collapse}
.scroll table, .scroll thead, .scroll tbody, .scroll tr, .scroll th, .scroll td {
  border: 0 !important}
.scroll th, .scroll td {text-align: left; padding: .45rem .6rem}
.scroll tr {border-bottom: 1px solid var(--border-color-primary) !important}
.scroll td:first-child {overflow-wrap: anywhere; min-width: 6rem}
@media (max-width: 640px) {
  .scroll th, .scroll td {padding: .4rem .35rem; font-size: .9rem}
  .side-by-side, .controls, .controls .form {flex-direction: column !important}
}
"""
THEME = gr.themes.Soft(
    primary_hue="teal",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
)
BUTTONS: list[Any] = ["download", "fullscreen"]
PRIVATE: dict[str, Any] = {"api_visibility": "private"}


def make_page(settings: Settings, desk: Callable[[], Desk]) -> gr.Blocks:
    """Build the page; ``desk`` gives the running service's desk when an event asks for it."""
    hour = 3600
    with gr.Blocks(title="Sparrow: count birds in photos", delete_cache=(hour, hour)) as page:
        gr.Markdown(
            f"# Sparrow\nCount the birds in your photos. Drop one or many, up to "
            f"{settings.limits.max_photos} at once; they are counted here, on this computer."
        )
        with gr.Tab("Count"):
            _count_tab(settings, desk)
        with gr.Tab("Model") as model_tab:
            card = gr.Markdown(elem_classes="card")
            model_tab.select(lambda: actions.model_text(desk()), None, card, **PRIVATE)
        with gr.Tab("Service") as service_tab:
            figures = gr.HTML()
            again = gr.Button("Look again", size="sm")
            for event in (service_tab.select, again.click):
                event(lambda: actions.service_figures(desk()), None, figures, **PRIVATE)
    page.queue(max_size=settings.limits.max_queue, default_concurrency_limit=4)
    return page


def _count_tab(settings: Settings, desk: Callable[[], Desk]) -> None:
    photos = gr.State([])
    files = gr.File(
        label="Photos",
        file_count="multiple",
        file_types=["image"],
        height=180,
    )
    gr.Markdown("No photo at hand? Try one of these drawn ones:")
    examples = gr.Gallery(
        [str(path) for path in EXAMPLES],
        label="Examples",
        show_label=False,
        columns=3,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        buttons=[],
        elem_classes="examples",
    )
    answer = gr.HTML()
    with gr.Column(visible=False) as results:
        chosen = gr.Dropdown(label="Photo shown", visible=False)
        with gr.Row(elem_classes="side-by-side"):
            drawn = gr.Image(label="Birds found", format="jpeg", interactive=False, buttons=BUTTONS)
            original = gr.Image(label="Original", format="jpeg", interactive=False, buttons=BUTTONS)
        with gr.Row(equal_height=True, elem_classes="controls"):
            min_score = gr.Slider(
                0, 1, 0, step=0.01, label="Show boxes from this score up", scale=3, min_width=260
            )
            show_scores = gr.Checkbox(True, label="Write the scores", min_width=160)
            color = gr.ColorPicker(FOUND_COLOR, label="Colour of the boxes", min_width=160)
        table = gr.HTML()
        gr.Markdown("**Was this right?** Your answer on the photo shown helps the next model.")
        with gr.Row(equal_height=True):
            right = gr.Button("Yes, this is right", min_width=160)
            # Starts at what was counted: Gradio shows and sends an empty number as 0.
            true_count = gr.Number(label="No, there are", precision=0, min_width=160)
            wrong = gr.Button("Save the true count", min_width=160)
        thanks = gr.Markdown()
        make = gr.Button("Prepare downloads: CSV, COCO, annotated photos")
        downloads = gr.File(label="Downloads", file_count="multiple", visible=False)

    look = [min_score, show_scores, color]
    shown = [answer, drawn, original, table]

    def count(
        paths: Sequence[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 this is how Gradio hands it over
    ) -> list[Any]:
        if not paths:
            hidden = gr.Column(visible=False)
            return [[], "", *[gr.skip()] * 3, hidden, *[gr.skip()] * 3, "", gr.File(visible=False)]
        try:
            found = actions.count_files(
                desk(), [Path(path) for path in paths], lambda done, n: progress((done, n))
            )
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        low = math.floor(found[0].threshold * 100) / 100
        names = [(photo.path.name, i) for i, photo in enumerate(found)]
        return [
            found,
            *_show(found, 0, low, True, FOUND_COLOR),
            gr.Column(visible=True),
            gr.Dropdown(names, value=0, visible=len(found) > 1),
            gr.Slider(low, 1, low),
            found[0].counted.record.count,
            "",
            gr.File(visible=False),
        ]

    counted = [photos, *shown, results, chosen, min_score, true_count, thanks, downloads]
    files.change(count, files, counted, show_progress_on=answer, **PRIVATE)
    examples.select(_example, None, files, **PRIVATE)
    redraw: dict[str, Any] = {"fn": _show, "inputs": [photos, chosen, *look], "outputs": shown}
    for event in (min_score.release, min_score.input, show_scores.input, color.input, chosen.input):
        event(**redraw, trigger_mode="always_last", show_progress="hidden", **PRIVATE)
    chosen.input(lambda p, i: p[i].counted.record.count, [photos, chosen], true_count, **PRIVATE)
    right.click(lambda p, i: _tell(desk(), p, i, None), [photos, chosen], thanks, **PRIVATE)
    wrong.click(
        lambda p, i, n: _tell(desk(), p, i, n, correction=True),
        [photos, chosen, true_count],
        thanks,
        **PRIVATE,
    )
    make.click(
        lambda p, *how: gr.File(actions.write_downloads(p, *how), visible=True),
        [photos, *look],
        downloads,
        **PRIVATE,
    )


def _example(event: gr.SelectData) -> list[str]:
    return [str(EXAMPLES[event.index])]


def _show(
    photos: list[PagePhoto], chosen: int | None, min_score: float, show_scores: bool, color: str
) -> list[Any]:
    """Answer, annotated photo, original, table."""
    if not photos:
        return ["", None, None, ""]
    original, drawn = actions.pictures(photos[chosen or 0], min_score, show_scores, color)
    return [actions.headline(photos, min_score), drawn, original, actions.table(photos, min_score)]


def _tell(
    desk: Desk,
    photos: list[PagePhoto],
    chosen: int | None,
    true_count: float | None,
    *,
    correction: bool = False,
) -> str:
    if not photos:
        return "Count a photo first."
    record = photos[chosen or 0].counted.record
    if record.count is None:
        return "This photo could not be counted, so there is nothing to correct."
    if correction and (true_count is None or not 0 <= true_count <= MAX_COUNT):
        return f"Please enter how many there really are, 0 to {MAX_COUNT:,}."
    said = record.count if true_count is None else int(true_count)
    desk.add_feedback(record.id, said, wrong=said != record.count)
    return f"Thank you. Noted: {said} in {photos[chosen or 0].path.name}."
