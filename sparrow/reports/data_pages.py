"""Pages of the data room: the split's certificate and the first look, each one HTML file."""

from __future__ import annotations

import base64
import html
from typing import Any

from PIL import Image

from sparrow.data.licences import attribution, licence_counts
from sparrow.data.split.report import certificate_verdict
from sparrow.data.tables import Dataset
from sparrow.reports.data_figures import contact_sheet, eda_figures, more_figures, sheet_photos
from sparrow.reports.html import figure, page, thumbnail


def certificate_html(certificate: dict[str, Any], dataset: Dataset) -> str:
    """The certificate of a split with its closest train-test pairs side by side.

    Args:
        certificate: of ``split.split_dataset``.
        dataset: the one that was split; its photos are shown.
    """
    whole, words = certificate_verdict(certificate)
    verdict = f'<p class="{"ok" if whole else "error"}">{html.escape(words)}</p>'
    shown = (
        "data_version", "kept_their_side", "seed", "near_duplicate_bits", "visit_seconds",
    )  # fmt: skip
    facts = {key: certificate[key] for key in shown}
    facts["imbalance (0 is perfect)"] = f"{certificate['imbalance']:.2g}"
    sides = certificate["splits"]
    rows = [[key, *(side[key] for side in sides.values())] for key in next(iter(sides.values()))]
    parts = [
        "<h1>Certificate of the split</h1>",
        verdict,
        f"<p>What the test scores rest on: {html.escape(certificate['evidence'])}.</p>",
        _table(["", *sides], [[row[0].replace("_", " "), *map(_cell, row[1:])] for row in rows]),
        "<h2>Made from</h2>",
        _table(["", ""], [[key.replace("_", " "), value] for key, value in facts.items()]),
        "<h2>The training and test photos that look most alike</h2>",
        '<div class="pairs">',
        *(_pair(pair, dataset) for pair in certificate["closest_pairs"]),
        "</div>",
    ]
    return page("Certificate of the split", parts)


def explore_html(dataset: Dataset) -> str:
    """Figures, licences and a contact sheet of a checked set."""
    figures = eda_figures(dataset.images, dataset.boxes)
    figures |= more_figures(dataset.images, dataset.boxes)
    parts = [
        "<h1>A first look at the data</h1>",
        f"<p>{len(dataset.images):,} photos, {len(dataset.boxes):,} boxes.</p>",
        *(_png(title, png, "49%") for title, png in figures.items()),
        "<h2>Licences</h2>",
        _table(["licence", "photos"], [[*pair] for pair in licence_counts(dataset).items()]),
        "<h2>Contact sheet</h2>",
        _png(
            "Photos spread evenly over the table, with their boxes", contact_sheet(dataset), "100%"
        ),
        "<p>Row by row, boxes drawn in:</p>",
        _credits(sheet_photos(dataset).to_dict("records")),
    ]
    return page("A first look at the data", parts)


def _pair(pair: dict[str, Any], dataset: Dataset) -> str:
    photos = dataset.images.set_index("image", drop=False)
    figures = []
    for side in ("train", "test"):
        name = pair[side]
        small = thumbnail(dataset.image_path(name)) or Image.new("RGB", (1, 1))
        figures.append(figure(small, f"{side}: {attribution(photos.loc[name])}"))
    apart = f"<p>{pair['bits']} of 64 bits differ</p>"
    return f'<div>{apart}<div class="photos">{"".join(figures)}</div></div>'


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " · ".join(map(_cell, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _credits(photos: list[dict[Any, Any]]) -> str:
    lines = "".join(f"<li>{html.escape(attribution(photo))}</li>" for photo in photos)
    return f'<ol class="credits">{lines}</ol>'


def _table(header: list[Any], rows: list[list[Any]]) -> str:
    def line(cells: list[Any], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{line(header, 'th')}</tr>{body}</table>"


def _png(title: str, png: bytes, width: str) -> str:
    data = base64.b64encode(png).decode()
    return (
        f'<img alt="{html.escape(title)}" style="width:{width}" src="data:image/png;base64,{data}">'
    )
