"""The one Jinja2 environment: every page of the project is a template of this folder.

The service renders its pages here, too: this imports Jinja2 and the standard library alone. What is
put into a template is escaped, and a value that a template names but does not get is an error.

A page extends ``base.html`` (blocks ``style``, ``body`` and ``glossary``; it needs ``title``) and
takes tables, pictures and keys of colours from ``macros.html``.
"""

from __future__ import annotations

import base64
import math
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sparrow.reports.glossary import GLOSSARY

_MEDIA_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}  # by first bytes


def render(template: str, /, **values: object) -> str:
    """Fill in a template.

    Args:
        template: its file in this folder, such as ``checks.html``.
        values: what it shows; text is escaped, unless it is a ``markupsafe.Markup``.

    Raises:
        jinja2.TemplateNotFound: there is no such file.
        jinja2.UndefinedError: the template names a value that is missing.
    """
    return _ENVIRONMENT.get_template(template).render(**values)


def data_uri(picture: bytes) -> str:
    """A PNG or JPEG as an address that holds its bytes, for the ``src`` of an image.

    Raises:
        ValueError: the bytes are neither.
    """
    for start, media_type in _MEDIA_TYPES.items():
        if picture.startswith(start):
            return f"data:{media_type};base64,{base64.b64encode(picture).decode()}"
    raise ValueError(f"expected the bytes of a PNG or JPEG; these begin with {picture[:4]!r}")


def cell(value: object, digits: int = 3) -> object:
    """A value as a table shows it.

    None and NaN are a dash, a float has ``digits`` significant digits, the items of a list or tuple
    are joined by dots; all else is as it is.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple):
        return " · ".join(str(cell(item, digits)) for item in value)
    return value


def grouped(number: int) -> str:
    """A whole number with its thousands apart: 12,345."""
    return f"{number:,}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "cell": cell, "grouped": grouped}
    environment.globals["glossary"] = GLOSSARY
    return environment


_ENVIRONMENT = _environment()
