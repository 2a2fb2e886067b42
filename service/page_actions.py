"""What the tabs Model and Service show."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from service.answers import describe_model
from service.inference_service import InferenceService
from service.page_start import most_in_words
from sparrow.predictions.photo_filter import PhotoFilter
from sparrow.reports.templates import render

logger = logging.getLogger("sparrow.service")

_PICTURE = re.compile(r"^!\[.*\]\([\w./-]+\)\n*", re.MULTILINE)


def service_statistics(inference: InferenceService) -> str:
    """The service's last 24 hours, as an HTML table."""
    try:
        summary = inference.log.summary(PhotoFilter(since=datetime.now(UTC) - timedelta(days=1)))
    except Exception:
        logger.exception("the prediction log could not be read")
        return _html_table([("The log cannot be read just now. Please try again later.",)])
    counter = inference.counter
    mean = summary["mean_latency_ms"]
    lines = [
        ("Model", f"{counter.info.name}, version {counter.version}"),
        ("Photos in the last 24 hours", str(summary["photos"])),
        (
            "Objects counted",
            ("at least " if summary["minimums"] else "") + str(summary["detections"]),
        ),
        ("Photos without any", str(summary["empty"])),
        ("Photos that could not be counted", str(summary["errors"])),
        ("Mean time of a counted photo", "–" if mean is None else f"{mean:.0f} ms"),
    ]
    return _html_table(lines)


def model_text(inference: InferenceService) -> str:
    """The model card, or a paragraph on a model that has none, in Markdown."""
    model = describe_model(inference.counter)
    if model.card is not None:
        return _PICTURE.sub("", model.card)  # the page has no address for the card's photo
    classes = ", ".join(name.replace("_", " ") for name in model.class_names)
    trained = datetime.fromisoformat(model.trained_at)
    return (
        f"### {model.name}, version {model.version}\n\nFinds: {classes}. Trained on "
        f"{trained:%d %B %Y} with data version `{model.data_version}`. Boxes below a score of "
        f"{model.threshold:.2f} are not shown. {most_in_words(inference.counter.info)} "
        "This model came without a card."
    )


def _html_table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    return render("page_table.html", header=header, rows=rows)
