"""The card of a starter: where it comes from, what it counts as what, what is not known of it."""

from __future__ import annotations

from sparrow.coco_classes import coco_words
from sparrow.inference.card_facts import UNREGISTERED
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.starter_origin import StarterOrigin
from sparrow.reports.markdown import as_markdown, code, markdown_table

_WHAT = (
    "A detector trained by others on COCO, an everyday collection of photos, that counts before a "
    "photo of yours has a label. **Nobody has measured how well it counts your photos.**"
)
_COUNTED = (
    "What it takes for one of these is counted, whether it is one or not: of a kind that COCO does "
    "not have (a squirrel, a raccoon) it often says the nearest."
)
_MISSING = """\
- **Scores**: no labelled photo was there to test it on. `sparrow evaluate champion DATA` measures
  it on your boxes.
- **An interval of the count**: it is calibrated on labelled photos. The count comes without one.
- **A reference for monitoring**: `make monitor` needs a trained champion."""
_NEXT = (
    "A training on your own boxes is compared with it on the same test photos, and takes its place "
    "only where it is better."
)


def starter_card(info: ModelInfo, origin: StarterOrigin) -> str:
    """The card in Markdown.

    Args:
        info: of the model.
        origin: where it comes from.
    """
    counted = [(name, coco_words(classes)) for name, classes in origin.counted_as.items()]
    parts = [
        f"# {as_markdown(info.name)}: a starter",
        _WHAT,
        _glance(info, origin),
        "## What counts as what",
        markdown_table(("class", "COCO classes"), counted),
        _COUNTED,
        "## What is missing",
        _MISSING,
        _NEXT,
    ]
    return "\n\n".join(parts) + "\n"


def _glance(info: ModelInfo, origin: StarterOrigin) -> str:
    rows = [
        ("network", origin.network),
        ("weights", origin.package),
        ("licence", origin.licence),
        *((f"SHA-256 of {name}", code(digest)) for name, digest in origin.checksums.items()),
        ("input", f"photos scaled to {info.min_side_px} px, at most {info.max_side_px} px"),
        ("threshold", f"{info.threshold:g}: {origin.threshold_from}"),
        ("made", info.trained_at),
    ]
    lines = markdown_table(("", ""), rows).splitlines()
    return "\n".join([*lines[:2], UNREGISTERED, *lines[2:]])
