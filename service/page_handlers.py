"""What happens when a visitor changes a widget of the page's tab Count.

A handler takes the widgets' values by position, as Gradio passes them, and returns the new values
of its output widgets in their order.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache

from service import page_actions as actions
from service.inference_service import InferenceService
from service.page_values import (
    DisplayOptions,
    read_display_options,
    read_score,
    read_true_count,
)
from service.page_visit import PagePhoto, Visit

NO_PHOTO = "There is no photo here to answer for: please add one. Photos are kept for an hour."
PROGRESS = gr.Progress()  # as a parameter's default, it makes Gradio pass the event's own
# Any: an output is whatever its widget takes, among them pictures and updates of properties.
Outputs = list[Any]

logger = logging.getLogger("sparrow.service")


class CountHandlers:
    """Handlers of one page.

    In their parameters, ``display`` is the values of the widgets ``min_score``, ``show_scores`` and
    ``color``, unchecked, and ``chosen`` the SHA-256 of the photo shown.
    """

    def __init__(self, inference: Callable[[], InferenceService], download_folder: str) -> None:
        """Make the handlers.

        Args:
            inference: returns the running service.
            download_folder: written files are served from here and removed after an hour.
        """
        self._inference = inference
        self._download_folder = download_folder

    # Gradio passes its progress for the parameter that has it as default, which must be positional.
    # Any: the widgets' values, not checked yet.
    def count(self, progress: gr.Progress = PROGRESS, *values: Any) -> Outputs:
        """Count the listed files that this session has not counted, and show the list's results.

        Args:
            progress: shows how many photos are done.
            values: the file list, the visit, ``chosen``, ``display``.
        """
        files, visit, chosen, *display = values
        if not files:
            visit.shown = []
            hidden = gr.Column(visible=False)
            return [visit, "", None, None, "", hidden, *[gr.skip()] * 4, "", gr.File(visible=False)]
        with _errors_in_words():
            options, first = read_display_options(*display), not visit.shown
            paths = [Path(file["path"]) for file in files]
            visit.show_files(self._inference(), paths, lambda done, n: progress((done, n)))
        low = math.floor(min(photo.threshold for photo in visit.shown) * 100) / 100
        min_score = low if first else max(low, options.min_score)
        photo = visit.photo(chosen) or visit.shown[0]
        names = [(shown.path.name, shown.sha256) for shown in visit.shown]
        return [
            visit,
            *_show(visit, photo, replace(options, min_score=min_score)),
            gr.Column(visible=True),
            gr.Dropdown(names, value=photo.sha256, visible=len(names) > 1),
            gr.Slider(low, 1, min_score),
            *_offer_feedback(photo, min_score),
            "",
            gr.File(visible=False),
        ]

    def show(self, visit: Visit, chosen: object, *display: object) -> Outputs:
        """Answer, annotated photo, original and table."""
        with _errors_in_words():
            photo, options = _chosen_photo(visit, chosen), read_display_options(*display)
        return _show(visit, photo, options)

    def show_with_feedback(self, visit: Visit, chosen: object, *display: object) -> Outputs:
        """The outputs of ``show``, the button that confirms the count, and the true count."""
        with _errors_in_words():
            photo, options = _chosen_photo(visit, chosen), read_display_options(*display)
        return [*_show(visit, photo, options), *_offer_feedback(photo, options.min_score)]

    def confirm(self, visit: Visit, chosen: object, min_score: object) -> str:
        """Save the number that is shown at this position of the slider."""
        return self._save(visit, chosen, lambda photo: _confirmed(photo, read_score(min_score)))

    def correct(self, visit: Visit, chosen: object, true_count: object) -> str:
        """Save the number that the visitor entered."""
        return self._save(visit, chosen, lambda _photo: read_true_count(true_count))

    def download(self, visit: Visit, *display: object) -> gr.File:
        """Write the files that a visitor can download."""
        with _errors_in_words():
            if not visit.shown:
                raise ValueError(NO_PHOTO)
            options = read_display_options(*display)
            files = actions.write_downloads(
                visit.shown, options, lambda path: save_file_to_cache(path, self._download_folder)
            )
        return gr.File(files, visible=True)

    def _save(self, visit: Visit, chosen: object, number: Callable[[PagePhoto], int | None]) -> str:
        """Save a count of the chosen photo; returns what was saved, or why nothing was."""
        photo = visit.photo(chosen)
        if photo is None:
            return NO_PHOTO
        try:
            count = number(photo)
        except ValueError as error:
            return escape(f"Nothing was saved. {error}")
        if count is None or photo.counted.record.count is None:
            return "This photo could not be counted, so there is nothing to correct."
        return actions.save_feedback(self._inference(), photo, count)


def _confirmed(photo: PagePhoto, min_score: float) -> int | None:
    """The count at this score.

    Raises:
        ValueError: it is a minimum; how many there are, only a person can say.
    """
    count = photo.count_above(min_score)
    if photo.is_minimum(min_score):
        raise ValueError(f"{count} is the most that is found in a photo; please enter the number.")
    return count


def _chosen_photo(visit: Visit, chosen: object) -> PagePhoto:
    photo = visit.photo(chosen)
    if photo is None:
        raise ValueError(NO_PHOTO)
    return photo


def _show(visit: Visit, photo: PagePhoto, options: DisplayOptions) -> Outputs:
    """Answer, annotated photo, original, table."""
    with _errors_in_words():
        original, annotated = actions.pictures(photo, options)
    answer = actions.headline(visit.shown, options.min_score)
    return [answer, annotated, original, actions.table(visit.shown, options.min_score)]


def _offer_feedback(photo: PagePhoto, min_score: float) -> Outputs:
    """The button that confirms the count, with that number on it, and the true count's start."""
    count = photo.count_above(min_score)
    if photo.is_minimum(min_score):  # not a number that anybody could confirm
        return [gr.Button(f"{count} or more: how many?", interactive=False), count]
    words = "Yes, this is right" if count is None else f"Yes, {count} is right"
    return [gr.Button(words, interactive=count is not None), count]


@contextmanager
def _errors_in_words() -> Iterator[None]:
    """Show a ValueError's message to the visitor; log any other error.

    Raises:
        gr.Error: in the place of whatever is raised inside.
    """
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
