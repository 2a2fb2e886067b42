"""HTML pages that need nothing else: one plain style, the pixels inside the page."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from sparrow.data.checks.photo_record import read_photo_bytes
from sparrow.images import ImageError, read_image

THUMBNAIL_PX = 220

STYLE = """
:root { color-scheme: light dark; --line: #8884; --error: #c0392b; --warning: #b9770e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
.error { color: var(--error); } .warning { color: var(--warning); } .ok { color: #1e8449; }
table { border-collapse: collapse; font-size: .85rem; margin-top: .6rem; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: left; }
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(455px, 1fr)); gap: 1rem; }
.photos { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: .6rem; }
figure { margin: 0; } figure img { width: 100%; border-radius: 4px; }
figcaption { font-size: .75rem; overflow-wrap: anywhere; }
.credits { font-size: .75rem; columns: 2; }
code { font-size: .9em; }
.key { display: inline-block; width: .8em; height: .8em; border: 3px solid; margin: 0 .4em 0 1em; }
"""


def page(title: str, parts: list[str]) -> str:
    """A page in the project's plain style."""
    head = f"<title>{html.escape(title)}</title><style>{STYLE}</style>"
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f'<!doctype html><html lang="en">{meta}{head}<body>{"".join(parts)}</body></html>'


def figure(photo: Image.Image, caption: str, width_px: int = THUMBNAIL_PX) -> str:
    """A photo with its caption, the pixels inside the page."""
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode()
    text = html.escape(caption)
    return (
        f'<figure style="width:{width_px}px"><img alt="{text}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{text}</figcaption></figure>'
    )


def thumbnail(path: Path, boxes_xywh: pd.DataFrame | None = None) -> Image.Image | None:
    """The upright photo, small, with boxes; None for a photo that cannot be read."""
    read = read_thumbnail(path, THUMBNAIL_PX)
    if read is None:
        return None
    small, scale = read
    draw = ImageDraw.Draw(small)
    for x, y, width, height in [] if boxes_xywh is None else boxes_xywh.to_numpy() * scale:
        corners = (x, y, x + max(width, 0), y + max(height, 0))
        draw.rectangle(corners, outline=(255, 196, 0), width=2)
    return small


def read_thumbnail(path: Path, side_px: int) -> tuple[Image.Image, float] | None:
    """The upright photo with its long side at ``side_px``, and its scale; None if unreadable."""
    try:
        photo = Image.fromarray(read_image(read_photo_bytes(path)))
    except (OSError, ImageError):
        return None
    scale = side_px / max(photo.size)
    return photo.resize([max(1, round(side * scale)) for side in photo.size]), scale
