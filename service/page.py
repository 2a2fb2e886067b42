"""The page for people: add photos, see what was counted, correct the count.

Nothing that a visitor sends leaves this host. The tab Count is drawn by the script in
``service/browser``, which talks to the handlers through the page's events.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from service import page_actions as actions
from service.inference_service import InferenceService
from service.page_handlers import PageHandlers
from service.page_protocol import REQUESTS
from service.page_room import PageRoom
from service.page_visit import Visit
from service.settings import Settings
from sparrow.reports.templates import render

TITLE = "Sparrow: count objects in photos"
KEEP_SECONDS = 3600  # how long a visitor's photos, and the files made of them, are kept
BROWSER = Path(__file__).parent / "browser"  # served under ``page/``
HEAD = render("page_head.html")
# Any: the keywords of Gradio's listeners have different types.
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# As they are: Gradio would look for files in them.
RAW: dict[str, Any] = {"preprocess": False, "postprocess": False, **PRIVATE}


def make_page(settings: Settings, inference: Callable[[], InferenceService]) -> gr.Blocks:
    """Build the page.

    Args:
        settings: this process's.
        inference: returns the running service; called at each event.
    """
    with gr.Blocks(title=TITLE, delete_cache=(KEEP_SECONDS, KEEP_SECONDS)) as page:
        gr.Markdown("# Sparrow\nCount what is in your photos, here on this computer.")
        with gr.Tab("Count"):
            gr.HTML(render("page_count.html"), padding=False)
            _add_events(settings, inference)
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


def _add_events(settings: Settings, inference: Callable[[], InferenceService]) -> None:
    """Add the events of the page's own script: each reads a request, and writes a reply."""
    visit = gr.State(Visit(), time_to_live=KEEP_SECONDS)
    request, reply = gr.JSON(visible=False), gr.JSON(visible=False)
    never_shown = gr.Button(visible=False)
    room = PageRoom(Path(reply.GRADIO_CACHE), int(settings.limits.page_files_mb * 1e6))
    handlers = PageHandlers(inference, room)
    for name in REQUESTS:
        # One download at a time: each may be as large as all photos of a visitor.
        at_once = 1 if name == "download" else "default"
        never_shown.click(
            handlers.handler(name),
            [visit, request],
            [visit, reply],
            api_name=name,
            concurrency_limit=at_once,
            **RAW,
        )
