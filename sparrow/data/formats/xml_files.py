"""XML files of somebody else: what their first element is, and their tree in its own encoding."""

from __future__ import annotations

import codecs
import re
import xml.etree.ElementTree as ET

from sparrow.data.errors import DataError
from sparrow.data.formats.source_files import SourceFiles

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030"}  # the same signs, and those added since
_PLAIN_DOCTYPE = re.compile(r"<!DOCTYPE\s+[\w.:-]+\s*>")
_FIRST_TAG = re.compile(rb"<([A-Za-z_][\w.:-]*)")


def with_root(files: SourceFiles, root: str) -> list[str]:
    """The XML files of a set whose first element has this name."""
    return [name for name in files.with_suffix(".xml") if _root_tag(files, name) == root]


def by_root(files: SourceFiles, root: str) -> tuple[list[str], dict[str, str]]:
    """The XML files of a set that are to be read, and those that are of another kind.

    Returns:
        The names of the files whose first element has this name, or that have none: a damaged file
        is met by its parser. Then the name of the first element of each other file.
    """
    tags = {name: _root_tag(files, name) for name in files.with_suffix(".xml")}
    names = [name for name, tag in tags.items() if tag in (root, None)]
    return names, {name: tag for name, tag in tags.items() if tag not in (root, None)}


def _root_tag(files: SourceFiles, name: str) -> str | None:
    """The name of an XML file's first element, None where there is none."""
    if name not in files.root_tags:
        files.root_tags[name] = _read_root_tag(files, name)
    return files.root_tags[name]


def _read_root_tag(files: SourceFiles, name: str) -> str | None:
    try:
        head = files.head(name).replace(b"\0", b"")  # of UTF-16
    except DataError:
        return None
    tag = _FIRST_TAG.search(re.sub(rb"<!--.*?-->", b"", head, flags=re.DOTALL))
    return tag.group(1).decode() if tag else None


def parse_xml(name: str, content: bytes) -> ET.Element:
    """The root of an XML file, in the encoding that it declares.

    Raises:
        DataError: damaged, in another encoding, or with a DOCTYPE that may declare entities.
    """
    text = _decode(name, content)
    if "<!ENTITY" in text or "<!DOCTYPE" in _PLAIN_DOCTYPE.sub("", text, count=1):
        # Entities can expand without end or read other files; labels need none.
        raise DataError(
            f"{name}: holds a DOCTYPE or ENTITY declaration that may define entities, which is "
            "refused; remove it"
        )
    try:
        return ET.fromstring(text)  # noqa: S314 - see above
    except (ET.ParseError, ValueError, RecursionError) as error:
        raise DataError(f"{name}: not valid XML ({error})") from error


def _decode(name: str, content: bytes) -> str:
    declared = _DECLARED.search(content[:400])
    encoding = declared.group(1).decode().lower() if declared else "utf-8"
    for mark, codec in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            encoding = codec
    try:
        return content.decode(_WIDER.get(encoding, encoding))
    except LookupError as error:
        raise DataError(f"{name}: declares the unknown encoding {encoding!r}") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: not {encoding.upper()} text, as it declares ({error}); save it as UTF-8"
            if declared
            else f"{name}: not UTF-8 text ({error}), and it declares no other encoding"
        ) from error
