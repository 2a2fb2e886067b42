"""The page of disagreements: each photo as champion and candidate see it, side by side."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image

from sparrow.atomic_file import write_atomic
from sparrow.drawing import FOUND_COLOR, draw_detections
from sparrow.images import RgbImage, read_image
from sparrow.registry.shadow import Answer, Shadow, ShadowPhoto
from sparrow.reports.html import page

ALONE_COLOR = "#35b3ff"  # a box the other model does not have
PHOTO_PX = 480
SHOWN = 40
STYLE = f"""<style>
.pair {{ display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; margin: .4rem 0 2rem; }}
.pair figure {{ width: auto; }} .pair img {{ width: 100%; border-radius: 4px; }}
.pair figcaption {{ font-size: .95rem; }}
.box {{ display: inline-block; width: .9em; height: .9em; margin: 0 .3em 0 1em; }}
.both {{ border: 3px solid {FOUND_COLOR}; }} .alone {{ border: 3px solid {ALONE_COLOR}; }}
</style>"""


def shadow_html(
    shadow: Shadow, name: str, champion: str, candidate: str, shown: int = SHOWN
) -> str:
    """One file that needs nothing else.

    Args:
        shadow: what was replayed.
        name: of the registered model.
        champion, candidate: what each is called, ``version 3, threshold 0.45``.
        shown: so many disagreements are shown as pictures, the others as rows of a table.
    """
    worst = shadow.disagreeing
    parts = [
        STYLE,
        f"<h1>{html.escape(name)}: what the candidate would change</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in shadow.summary()),
        _histogram(shadow),
        f"<p>Left: champion, {html.escape(champion)}. Right: candidate, {html.escape(candidate)}. "
        '<span class="box both"></span>boxes of both <span class="box alone"></span>boxes the '
        "other does not have. Largest change of the count first.</p>",
        *(_pair(photo) for photo in worst[:shown]),
        _others(worst[shown:]),
        _unreadable(shadow),
    ]
    return page(f"{name}: {candidate} in the champion's shadow", parts)


def _histogram(shadow: Shadow) -> str:
    if not shadow.photos:
        return ""
    changes = np.array([photo.change for photo in shadow.photos])
    rows = [(f"{change:+d}" if change else "same", int((changes == change).sum()))
            for change in np.unique(changes)]  # fmt: skip
    return _table(["birds more or fewer", *(row[0] for row in rows)],
                  [["photos", *(row[1] for row in rows)]])  # fmt: skip


def _pair(photo: ShadowPhoto) -> str:
    image = read_image(photo.path)
    title = f"{photo.path.name}: {len(photo.champion.found)} → {len(photo.candidate.found)}"
    sides = "".join(
        _figure(image, answer, who)
        for who, answer in (("champion", photo.champion), ("candidate", photo.candidate))
    )
    return f'<h2>{html.escape(title)}</h2><div class="pair">{sides}</div>'


def _figure(image: RgbImage, answer: Answer, who: str) -> str:
    height, width = image.shape[:2]
    scale = min(PHOTO_PX / max(height, width), 1.0)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    boxes, scores, alone = answer.found.boxes_xyxy * scale, answer.found.scores, answer.alone
    drawn = draw_detections(small, boxes[~alone], scores[~alone])
    drawn = draw_detections(drawn, boxes[alone], scores[alone], color=ALONE_COLOR)
    stream = io.BytesIO()
    Image.fromarray(drawn).save(stream, "JPEG", quality=82)
    data = base64.b64encode(stream.getvalue()).decode()
    text = f"{who}: {_count(answer)}"
    return (
        f'<figure><img alt="{text}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _count(answer: Answer) -> str:
    count = len(answer.found)
    if answer.low is None or answer.low == answer.high:
        return str(count)
    return f"{count}, likely {answer.low} to {answer.high}"


def _others(photos: tuple[ShadowPhoto, ...]) -> str:
    if not photos:
        return ""
    rows = [[photo.path.name, _count(photo.champion), _count(photo.candidate), photo.differing]
            for photo in photos]  # fmt: skip
    header = ["photo", "champion", "candidate", "boxes that differ"]
    return f"<h2>{len(photos)} more with smaller changes</h2>{_table(header, rows)}"


def _unreadable(shadow: Shadow) -> str:
    if not shadow.unreadable:
        return ""
    rows: list[list[object]] = [[path.name, why] for path, why in shadow.unreadable]
    return f"<h2>Photos that could not be read</h2>{_table(['photo', 'why'], rows)}"


def _table(header: list[str], rows: list[list[object]]) -> str:
    def line(cells: list[object], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{line([*header], 'th')}</tr>{body}</table>"


def write_shadow(path: Path, text: str) -> None:
    """Write the page, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)
