"""The page for people: drop photos, see birds, correct the count. Nothing leaves this host."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from service import page_actions as actions
from service.inference_service import InferenceService
from service.page_values import read_look, read_score, read_true_count
from service.page_visit import PagePhoto, Visit
from service.settings import Settings
from sparrow.drawing.boxes import DETECTION_COLOR

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
KEPT_S = 3600  # what a visitor sent, and what was made of it
NO_PHOTO = "There is no photo here to answer for: please add one. Photos are kept for an hour."
logger = logging.getLogger("sparrow.service")


def make_page(settings: Settings, inference: Callable[[], InferenceService]) -> gr.Blocks:
    """Build the page; ``inference`` gives the running service when an event asks for it."""
    with gr.Blocks(title="Sparrow: count birds in photos", delete_cache=(KEPT_S, KEPT_S)) as page:
        gr.Markdown(
            f"# Sparrow\nCount the birds in your photos. Drop one or many, up to "
            f"{settings.limits.max_photos} at once; they are counted here, on this computer."
        )
        with gr.Tab("Count"):
            _count_tab(settings, inference)
        with gr.Tab("Model") as model_tab:
            card = gr.Markdown(elem_classes="card")
            model_tab.select(lambda: actions.model_text(inference()), None, card, **PRIVATE)
        with gr.Tab("Service") as service_tab:
            figures = gr.HTML()
            again = gr.Button("Look again", size="sm")
            for event in (service_tab.select, again.click):
                event(lambda: actions.service_figures(inference()), None, figures, **PRIVATE)
    page.queue(max_size=settings.limits.max_queue, default_concurrency_limit=4)
    # Gradio looks for events every millisecond, which takes 5 % of a core from a service at rest.
    page._queue.sleep_when_free = 0.05
    return page


def _count_tab(settings: Settings, inference: Callable[[], InferenceService]) -> None:
    # Set anew with each change of the file list; the files themselves are kept as long.
    visits = gr.State(Visit(), time_to_live=KEPT_S)
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
            color = gr.ColorPicker(DETECTION_COLOR, label="Colour of the boxes", min_width=160)
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
    judged = [right, true_count]

    def count(
        sent: list[dict[str, Any]] | None,
        visit: Visit,
        photo: object,
        score: object,
        scores: object,
        paint: object,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 this is how Gradio hands it over
    ) -> list[Any]:
        if not sent:
            visit.shown = []
            hidden = gr.Column(visible=False)
            return [visit, "", None, None, "", hidden, *[gr.skip()] * 4, "", gr.File(visible=False)]
        with _plainly():
            chosen_look, first = read_look(score, scores, paint), not visit.shown
            paths = [Path(file["path"]) for file in sent]
            visit.show_files(inference(), paths, lambda done, n: progress((done, n)))
        low = math.floor(min(one.threshold for one in visit.shown) * 100) / 100
        start = low if first else max(low, chosen_look.min_score)
        kept = visit.photo(photo) or visit.shown[0]
        names = [(one.path.name, one.sha256) for one in visit.shown]
        return [
            visit,
            *_show(visit, kept.sha256, start, scores, paint),
            gr.Column(visible=True),
            gr.Dropdown(names, value=kept.sha256, visible=len(names) > 1),
            gr.Slider(low, 1, start),
            *_judge(visit, kept.sha256, start),
            "",
            gr.File(visible=False),
        ]

    def download(visit: Visit, *how: object) -> gr.File:
        with _plainly():
            if not visit.shown:
                raise ValueError(NO_PHOTO)
            files = actions.write_downloads(
                visit.shown, read_look(*how), lambda path: save_file_to_cache(path, cache)
            )
        return gr.File(files, visible=True)

    cache = downloads.GRADIO_CACHE  # where `delete_cache` removes what is an hour old
    # Raw values: Gradio's own conversion of a broken one is an error with its stack in the log, and
    # that of a file leaves an empty one behind.
    raw: dict[str, Any] = {"preprocess": False, **PRIVATE}
    quiet: dict[str, Any] = {"trigger_mode": "always_last", "show_progress": "hidden", **raw}
    counted = [visits, *shown, results, chosen, min_score, *judged, thanks, downloads]
    files.change(count, [files, visits, chosen, *look], counted, show_progress_on=answer, **raw)
    examples.select(_example, None, files, **PRIVATE)
    for event in (show_scores.input, color.input):
        event(_show, [visits, chosen, *look], shown, **quiet)
    for event in (min_score.release, min_score.input, chosen.input):
        event(_show_and_judge, [visits, chosen, *look], [*shown, *judged], **quiet)
    right.click(_confirm(inference), [visits, chosen, min_score], thanks, **raw)
    wrong.click(_correct(inference), [visits, chosen, true_count], thanks, **raw)
    make.click(download, [visits, *look], downloads, **raw)


def _example(event: gr.SelectData) -> list[str]:
    return [str(EXAMPLES[event.index])]


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors of the photos and values sent as a sentence, of anything else as that it happened."""
    try:
        yield
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        logger.exception("an event of the page failed")
        raise gr.Error(
            "This did not work just now; the service's log says why. Please try again later.",
            print_exception=False,
        ) from error


def _show(
    visit: Visit, chosen: object, min_score: object, show_scores: object, color: object
) -> list[Any]:
    """Answer, annotated photo, original, table."""
    with _plainly():
        photo = visit.photo(chosen)
        if photo is None:
            raise ValueError(NO_PHOTO)
        look = read_look(min_score, show_scores, color)
        original, drawn = actions.pictures(photo, look)
    answer = actions.headline(visit.shown, look.min_score)
    return [answer, drawn, original, actions.table(visit.shown, look.min_score)]


def _judge(visit: Visit, chosen: object, min_score: object) -> list[Any]:
    """The button that says yes, with the number it saves, and where another one is entered."""
    with _plainly():
        photo = visit.photo(chosen)
        if photo is None:
            raise ValueError(NO_PHOTO)
        count = photo.count_above(read_score(min_score))
    words = "Yes, this is right" if count is None else f"Yes, {count} is right"
    return [gr.Button(words, interactive=count is not None), count]


def _show_and_judge(
    visit: Visit, chosen: object, min_score: object, show_scores: object, color: object
) -> list[Any]:
    return [
        *_show(visit, chosen, min_score, show_scores, color),
        *_judge(visit, chosen, min_score),
    ]


def _confirm(inference: Callable[[], InferenceService]) -> Callable[[Visit, object, object], str]:
    """What "Yes" does: the number that is shown at this position of the slider is saved."""
    return lambda visit, chosen, min_score: _tell(
        inference, visit, chosen, lambda photo: photo.count_above(read_score(min_score))
    )


def _correct(inference: Callable[[], InferenceService]) -> Callable[[Visit, object, object], str]:
    """What "Save the true count" does."""
    return lambda visit, chosen, number: _tell(
        inference, visit, chosen, lambda _photo: read_true_count(number)
    )


def _tell(
    inference: Callable[[], InferenceService],
    visit: Visit,
    chosen: object,
    number: Callable[[PagePhoto], int | None],
) -> str:
    """Save what a person says of the chosen photo; what was saved, or why nothing was."""
    photo = visit.photo(chosen)
    if photo is None:
        return NO_PHOTO
    try:
        count = number(photo)
    except ValueError as error:
        return escape(f"Nothing was saved. {error}")
    if count is None or photo.counted.record.count is None:
        return "This photo could not be counted, so there is nothing to correct."
    return actions.save_feedback(inference(), photo, count)
