"""Text of strangers (file names, authors, licences) made fit for a terminal, a table, a store."""

from __future__ import annotations

import os


def printable(text: str) -> str:
    """Signs that cannot be shown, or that steer a terminal, as "�"; line ends stay."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def one_line(text: str) -> str:
    """The same on one line, however many it had."""
    return printable(text).replace("\n", "�")


def utf8(text: str) -> str:
    r"""Text that can be written as UTF-8: bytes of a name that are none become ``\udcXX``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def readable_name(name: str) -> str:
    """A file's name as text: one that is no UTF-8 is read as Latin-1, in which any byte is a sign.

    Such names are from old disks and archives; no table and no terminal can hold their bytes.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
    return name
