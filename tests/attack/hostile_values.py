"""What an attacker puts where the page's own script puts a score, a colour or a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from attacked import Attacked
from visitor import file_data


@dataclass(frozen=True)
class Hostile:
    """One value; ``refused``: it names a file that the visitor did not upload, or an address."""

    name: str
    value: Any
    refused: bool = False


def hostile_values(service: Attacked, foreign_upload: str) -> list[Hostile]:
    """Every kind.

    Args:
        service: the one to attack; its files and the listener's address are named.
        foreign_upload: path of a photo that another visitor uploaded. Who knows it may use it, so
            it must not be known: what is named here is its folder and name with one letter changed.
    """
    folder, _, name = foreign_upload.rpartition("/")
    guess = f"{folder[:-1]}{'a' if folder[-1] != 'a' else 'b'}/{name}"
    files = [
        Hostile(f"file {name}", file_data(path), refused=True)
        for name, path in _paths(service).items()
    ]
    files.append(Hostile("another visitor's file, its path guessed", file_data(guess), True))
    urls = [
        Hostile(f"{how} {name}", value(url), refused=True)
        for name, url in _urls(service).items()
        for how, value in (("path", file_data), ("url", lambda u: file_data("a.jpg", url=u)))
    ]
    return [*files, *_disguised(service), *urls, *_plain_urls(service), *NO_FILES]


def _paths(service: Attacked) -> dict[str, str]:
    bait = service.bait
    return {
        "passwd": "/etc/passwd",
        "environment": "/proc/self/environ",
        "log": str(service.home / "log.db"),
        "model": str(service.home / "model" / "model.json"),
        "bait photo": str(bait / "photo.jpg"),
        "bait text": str(bait / "notes.txt"),
        "bait drawing": str(bait / "drawing.svg"),
        "link": str(bait / "link.jpg"),
        "folder": str(bait),
        "device": "/dev/null",
        "descriptor": "/proc/self/fd/3",
        "upwards": f"{service.temp}/gradio/../../{bait.name}/photo.jpg",
        "relative": "../../../../../../../../etc/passwd",
        "beside the service": "pyproject.toml",
        "home": "~/.bashrc",
        "file scheme": f"file://{bait}/photo.jpg",
        "network share": r"\\localhost\c$\windows\win.ini",
        "null byte": f"{bait}/photo.jpg\0.jpg",
        "percent": f"{bait}/photo%2ejpg",
        "own address": f"/gradio_api/file={bait}/photo.jpg",
        "empty": "",
        "long": "/" + "a/" * 4000,
    }


def _urls(service: Attacked) -> dict[str, str]:
    port = service.listener.port
    return {
        "number": f"http://127.0.0.1:{port}/a.jpg",
        "name": f"http://localhost:{port}/a.jpg",
        "foreign name": "http://attack-one.invalid/a.jpg",
        "https": f"https://127.0.0.1:{port}/a.jpg",
        "capitals": "HTTP://ATTACK-TWO.INVALID/a.jpg",
        "six": f"http://[::ffff:127.0.0.1]:{port}/a.jpg",
        "one number": f"http://2130706433:{port}/a.jpg",
        "user": f"http://attack-three.invalid@127.0.0.1:{port}/a.jpg",
        "metadata service": "http://169.254.169.254/latest/meta-data/",
        "public": "http://192.88.98.7/a.jpg",
        "ftp": f"ftp://127.0.0.1:{port}/a.jpg",
        "no scheme": f"//127.0.0.1:{port}/a.jpg",
    }


def _disguised(service: Attacked) -> list[Hostile]:
    """A file of the host, wrapped in what some part of the page might unwrap."""
    file = file_data(str(service.bait / "photo.jpg"))
    return [
        Hostile("in a list", [file], refused=True),
        Hostile("in lists", [[[file]]], refused=True),
        Hostile("in a dict", {"value": file}, refused=True),
        Hostile("deep", {"a": [{"b": {"c": [file, file]}}]}, refused=True),
        Hostile("as an update", {"__type__": "update", "value": file}, refused=True),
        Hostile("after a good one", [None, 0.5, file], refused=True),
        Hostile("as a key's neighbour", {"image": file, "caption": "x"}, refused=True),
        Hostile("a stream", {**file, "is_stream": True}, refused=True),
        Hostile("named innocently", {**file, "orig_name": "a.jpg", "size": 1}, refused=True),
        Hostile("marked twice", {**file, "meta": {"_type": "gradio.FileData", "x": 1}}, True),
        Hostile("with an address too", {**file, "url": "http://attack-four.invalid/"}, True),
        Hostile("without its mark", {"path": file["path"]}),
        Hostile("as text", json.dumps(file)),
        Hostile("path is a list", file_data([file["path"]])),
        Hostile("path is a number", file_data(3)),
        Hostile("path is nothing", file_data(None)),
    ]


def _plain_urls(service: Attacked) -> list[Hostile]:
    return [
        Hostile("text that is an address", f"http://127.0.0.1:{service.listener.port}/"),
        Hostile("text that is a path", str(service.bait / "photo.jpg")),
        Hostile("paths in a list", [str(service.bait / "photo.jpg"), "/etc/passwd"]),
    ]


DEEP: list[Any] = []
for _ in range(400):
    DEEP = [DEEP]
NO_FILES = [
    Hostile("nothing", None),
    Hostile("empty text", ""),
    Hostile("text", "x"),
    Hostile("long text", "é" * 9_000),
    Hostile("null byte", "a\0b"),
    Hostile("half a character", "\ud800"),
    Hostile("markup", "<img src=x onerror=alert(1)><script>alert(1)</script>"),
    Hostile("format", "{0.__class__.__init__.__globals__} %s %n ${7*7} {{7*7}}"),
    Hostile("SQL", "'; DROP TABLE predictions; --"),
    Hostile("shell", "$(touch /tmp/attacked) `id` | id"),
    Hostile("not a number", float("nan")),
    Hostile("infinite", float("inf")),
    Hostile("minus infinite", float("-inf")),
    Hostile("huge", 10**300),
    Hostile("huge integer", 10**40),
    Hostile("negative", -1),
    Hostile("tiny", 5e-324),
    Hostile("true", True),
    Hostile("list", []),
    Hostile("long list", list(range(5000))),
    Hostile("deep list", DEEP),
    Hostile("dict", {}),
    Hostile("dunder", {"__class__": "x", "__proto__": {"admin": True}, "__type__": "update"}),
    Hostile("update", {"__type__": "update", "visible": True, "value": "<b>x</b>"}),
    Hostile("wide dict", {f"k{i}": i for i in range(2000)}),
]
