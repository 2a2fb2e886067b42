"""The widgets of the page's tab Count, in the order in which they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from service.page_values import KEEP_SECONDS
from service.page_visit import Visit
from sparrow.drawing.boxes import DETECTION_COLOR
from sparrow.photo_names import PHOTO_SUFFIXES

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.jpg"))
# Any: Gradio's listeners take these as keywords of different types, its images as literals.
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
# The suffixes, too: not every browser knows that a HEIC is an image.
KINDS = ["image", *PHOTO_SUFFIXES]
IMAGE_BUTTONS: list[Any] = ["download", "fullscreen"]


@dataclass(frozen=True)
class DisplayWidgets:
    """How boxes are shown; see ``DisplayOptions``."""

    min_score: gr.Slider
    show_scores: gr.Checkbox
    color: gr.ColorPicker


@dataclass(frozen=True)
class FeedbackWidgets:
    """Where a visitor says whether a count is right.

    Attributes:
        confirm: saves the number that is shown.
        true_count: another number.
        correct: saves that one.
        result: what was saved, or why nothing was.
    """

    confirm: gr.Button
    true_count: gr.Number
    correct: gr.Button
    result: gr.Markdown


@dataclass(frozen=True)
class CountWidgets:
    """All widgets of the tab.

    Attributes:
        visit: the session's ``Visit``.
        files: the uploaded photos.
        examples: photos to try; a selected one becomes the list of files.
        answer: the count in large type.
        results: the column of everything below the answer; hidden while there is no photo.
        chosen: which photo is shown, by SHA-256.
        annotated: that photo with its boxes.
        original: that photo.
        table: one row per photo.
        prepare: writes the downloads.
        downloads: the written files.
    """

    visit: gr.State
    files: gr.File
    examples: gr.Gallery
    answer: gr.HTML
    results: gr.Column
    chosen: gr.Dropdown
    annotated: gr.Image
    original: gr.Image
    display: DisplayWidgets
    table: gr.HTML
    feedback: FeedbackWidgets
    prepare: gr.Button
    downloads: gr.File


def make_count_widgets() -> CountWidgets:
    """Make the widgets in the Gradio block that is open."""
    # Set again with each change of the file list, so it is kept as long as the files themselves.
    visit = gr.State(Visit(), time_to_live=KEEP_SECONDS)
    files = gr.File(label="Photos", file_count="multiple", file_types=KINDS, height=180)
    examples = _examples()
    answer = gr.HTML()
    with gr.Column(visible=False) as results:
        chosen = gr.Dropdown(label="Photo shown", visible=False)
        with gr.Row(elem_classes="side-by-side"):
            annotated, original = _image("Objects found"), _image("Original")
        display, table, feedback = _display_widgets(), gr.HTML(), _feedback_widgets()
        prepare = gr.Button("Prepare downloads: CSV, COCO, annotated photos")
        downloads = gr.File(label="Downloads", file_count="multiple", visible=False)
    return CountWidgets(
        visit=visit,
        files=files,
        examples=examples,
        answer=answer,
        results=results,
        chosen=chosen,
        annotated=annotated,
        original=original,
        display=display,
        table=table,
        feedback=feedback,
        prepare=prepare,
        downloads=downloads,
    )


def _examples() -> gr.Gallery:
    gr.Markdown("No photo at hand? Try one of these drawn ones:")
    return gr.Gallery(
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


def _image(label: str) -> gr.Image:
    return gr.Image(label=label, format="jpeg", interactive=False, buttons=IMAGE_BUTTONS)


def _display_widgets() -> DisplayWidgets:
    with gr.Row(equal_height=True, elem_classes="controls"):
        return DisplayWidgets(
            min_score=gr.Slider(
                0, 1, 0, step=0.01, label="Show boxes from this score up", scale=3, min_width=260
            ),
            show_scores=gr.Checkbox(True, label="Write the scores", min_width=160),
            color=gr.ColorPicker(DETECTION_COLOR, label="Colour of the boxes", min_width=160),
        )


def _feedback_widgets() -> FeedbackWidgets:
    gr.Markdown("**Was this right?** Your answer on the photo shown helps the next model.")
    with gr.Row(equal_height=True):
        confirm = gr.Button("Yes, this is right", min_width=160)
        # Starts at what was counted: Gradio shows and sends an empty number as 0.
        true_count = gr.Number(label="No, there are", precision=0, min_width=160)
        correct = gr.Button("Save the true count", min_width=160)
    return FeedbackWidgets(confirm, true_count, correct, result=gr.Markdown())
