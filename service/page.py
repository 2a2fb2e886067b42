"""The page for people: add photos, see what was counted, correct the count.

Nothing that a visitor sends leaves this host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from service import page_actions as actions
from service.inference_service import InferenceService
from service.page_handlers import CountHandlers
from service.page_values import KEEP_SECONDS
from service.page_widgets import EXAMPLES, PRIVATE, CountWidgets, make_count_widgets
from service.settings import Settings

TITLE = "Sparrow: count objects in photos"


def make_page(settings: Settings, inference: Callable[[], InferenceService]) -> gr.Blocks:
    """Build the page.

    Args:
        settings: this process's.
        inference: returns the running service; called at each event.
    """
    with gr.Blocks(title=TITLE, delete_cache=(KEEP_SECONDS, KEEP_SECONDS)) as page:
        gr.Markdown(
            f"# Sparrow\nCount what is in your photos. Drop one or many, up to "
            f"{settings.limits.max_photos} at once; they are counted here, on this computer."
        )
        most = gr.Markdown(elem_classes="card")  # asked for at each visit: champions differ
        page.load(lambda: actions.most_in_words(inference().counter.info), None, most, **PRIVATE)
        with gr.Tab("Count"):
            widgets = make_count_widgets()
            # Gradio removes files older than an hour from this folder, see ``delete_cache``.
            _connect(widgets, CountHandlers(inference, widgets.downloads.GRADIO_CACHE))
        with gr.Tab("Model") as model_tab:
            card = gr.Markdown(elem_classes="card")
            model_tab.select(lambda: actions.model_text(inference()), None, card, **PRIVATE)
        with gr.Tab("Service") as service_tab:
            statistics = gr.HTML()
            refresh = gr.Button("Look again", size="sm")
            for event in (service_tab.select, refresh.click):
                event(lambda: actions.service_statistics(inference()), None, statistics, **PRIVATE)
    page.queue(max_size=settings.limits.max_queue, default_concurrency_limit=4)
    # Gradio polls for events every millisecond, which takes 5 % of a core from an idle service.
    page._queue.sleep_when_free = 0.05
    return page


def _connect(widgets: CountWidgets, handlers: CountHandlers) -> None:
    """Call the handlers when a visitor changes a widget."""
    display, feedback = widgets.display, widgets.feedback
    shown = [widgets.answer, widgets.annotated, widgets.original, widgets.table]
    offered = [feedback.confirm, feedback.true_count]
    photo = [widgets.visit, widgets.chosen]
    options = [display.min_score, display.show_scores, display.color]
    # Any: the keywords of Gradio's listeners have different types.
    # Raw values: where Gradio converts a broken one itself, it logs an error with its stack, and a
    # broken file leaves an empty one behind.
    raw: dict[str, Any] = {"preprocess": False, **PRIVATE}
    quiet: dict[str, Any] = {"trigger_mode": "always_last", "show_progress": "hidden", **raw}
    counted = [
        *(widgets.visit, *shown, widgets.results, widgets.chosen, display.min_score),
        *(*offered, feedback.result, widgets.downloads),
    ]
    inputs = [widgets.files, *photo, *options]
    widgets.files.change(handlers.count, inputs, counted, show_progress_on=widgets.answer, **raw)
    widgets.examples.select(_example, None, widgets.files, **PRIVATE)
    for event in (display.show_scores.input, display.color.input):
        event(handlers.show, [*photo, *options], shown, **quiet)
    for event in (display.min_score.release, display.min_score.input, widgets.chosen.input):
        event(handlers.show_with_feedback, [*photo, *options], [*shown, *offered], **quiet)
    feedback.confirm.click(handlers.confirm, [*photo, display.min_score], feedback.result, **raw)
    feedback.correct.click(handlers.correct, [*photo, feedback.true_count], feedback.result, **raw)
    widgets.prepare.click(handlers.download, [widgets.visit, *options], widgets.downloads, **raw)


def _example(event: gr.SelectData) -> list[str]:
    return [str(EXAMPLES[event.index])]
