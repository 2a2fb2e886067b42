"""Whose a photo is, with links: to its page, and to its licence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sparrow.data.licence_ledger import is_address, licence_url
from sparrow.data.licences import UNCREDITED, is_uncredited
from sparrow.data.tables import UNKNOWN
from sparrow.reports.markdown import Markup, as_markdown

GENERATED = "Generated"  # the source of synthetic photos
FLICKR = "Flickr"
# The photo's number, with which file names of Flickr begin: 52089256535_d3b996ae78_w.jpg.
_FLICKR_NAME = re.compile(r"(\d{6,})_[0-9a-f]{6,}")
_SAFE = "/:?#@!$&'*+,;=%-._~"  # of an address, without the brackets that end a link in Markdown


def photo_url(photo: Mapping[str, Any]) -> str | None:
    """The address at which a photo is published, as far as its row tells.

    Args:
        photo: a row of ``Dataset.images``.
    """
    source = str(photo["source"])
    if is_address(source):
        return source
    match = _FLICKR_NAME.match(str(photo["image"]))
    if match and source.casefold() == FLICKR.casefold():
        return f"https://www.flickr.com/photo.gne?id={match[1]}"
    return None


def link(text: str, url: str | None) -> Markup:
    """Text as Markdown, linked where there is an address."""
    shown = as_markdown(text)
    return Markup(f"[{shown}]({quote(url, safe=_SAFE)})" if url else shown)


def linked_attribution(photo: Mapping[str, Any], changes: str) -> Markup:
    """The line under a photo, in Markdown: photo, author, source, licence, changes.

    Args:
        photo: a row of ``Dataset.images``.
        changes: what was done to it, which the licences want stated.
    """
    image, author, source = (str(photo[name]) for name in ("image", "author", "source"))
    license, address = str(photo["license"]), photo_url(photo)
    if is_uncredited(photo):
        return Markup(f"Photo {as_markdown(image)}: {UNCREDITED}; {as_markdown(changes)}")
    where = link(source, address)
    return Markup(
        f"Photo {link(image, address)} by {as_markdown(author)} ({where}), "
        f"{link(license, licence_url(license))}; {as_markdown(changes)}"
    )


def how_to_find(source: str) -> str:
    """How a photo of a source is found again, a sentence in Markdown."""
    if source == GENERATED:
        return (
            "drawn by `sparrow generate`: the same number of photos and the same seed "
            "(`data.generate`) draw the same photos again"
        )
    if source.casefold() == FLICKR.casefold():
        return (
            "the digits before the first `_` of a file's name are its number at Flickr: "
            "`https://www.flickr.com/photo.gne?id=NUMBER` leads to its page"
        )
    if is_address(source):
        return "the source is the photo's address"
    if source == UNKNOWN:
        return "no source is recorded: by its name alone"
    return "no address is recorded: by its author and its name"
