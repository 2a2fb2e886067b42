"""Requests that mean harm or nothing at all: what people, scripts and attackers really send."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

BOUNDARY = "hostile"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JSON = "application/json"


@dataclass(frozen=True)
class Case:
    """One request over HTTP; ``raw`` is sent over a bare socket in place of it."""

    name: str
    body: bytes = b""
    content_type: str = FORM
    method: str = "POST"
    path: str = "/detect"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


def cases(seed: int, count: int) -> Iterator[Case]:
    """``count`` cases, every kind in turn, no two alike."""
    chance = random.Random(seed)
    for i in range(count):
        yield KINDS[i % len(KINDS)](chance)


def form(content: bytes, name: str = "a.jpg", field_name: str = "photos") -> bytes:
    """A form with one file."""
    head = f'Content-Disposition: form-data; name="{field_name}"; filename="{name}"'
    return (
        f"--{BOUNDARY}\r\n{head}\r\nContent-Type: image/jpeg\r\n\r\n".encode("utf-8", "replace")
        + content
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


def photo(chance: random.Random, kind: str | None = None) -> bytes:
    """A small photo of noise, in any format."""
    kind = kind or chance.choice(["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
    side = chance.randint(20, 90)
    noise = np.frombuffer(chance.randbytes(side * side * 3), np.uint8).reshape(side, side, 3)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, kind)
    return stream.getvalue()


def truncated(chance: random.Random) -> Case:
    whole = photo(chance)
    return Case("truncated", form(whole[: chance.randrange(len(whole))]))


def flipped(chance: random.Random) -> Case:
    bad = bytearray(photo(chance))
    for _ in range(chance.randint(1, 30)):
        bad[chance.randrange(len(bad))] = chance.randrange(256)
    return Case("flipped bytes", form(bytes(bad)))


def renamed(chance: random.Random) -> Case:
    start = chance.choice(
        [
            b"",
            b"text",
            b"%PDF-1.7\n",
            b"PK\x03\x04",
            b"\x7fELF",
            b"MZ",
            b"#!/bin/sh\n",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"RIFF\x00\x00\x00\x00WEBP",
            b"GIF89a",
            b"II*\x00",
            b"BM",
            b"\x00" * 64,
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<svg><image href='file:///etc/passwd'/></svg>",
            b"<!doctype html><img src=x onerror=a()>",
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
            b"%!PS-Adobe-3.0 EPSF-3.0\n",
            b"\x00\x00\x00\x18ftypheic",
            b"8BPS\x00\x01",
        ]
    )
    return Case("no photo", form(start + chance.randbytes(chance.randint(0, 400))))


def odd_size(chance: random.Random) -> Case:
    size = chance.choice(
        [(1, 1), (1, chance.randint(1, 30_000)), (30_000, 10), (30_001, 1), (2, 29_999)]
    )
    if chance.random() < 0.5:
        size = size[::-1]
    stream = io.BytesIO()
    Image.new(chance.choice(["L", "RGB"]), size, 90).save(stream, "PNG")
    return Case("odd size", form(stream.getvalue()))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


ZEROS = (zlib.compress(b"\0" * 9), zlib.compress(b"\0" * 20_000_000, 9))


def bomb(chance: random.Random) -> Case:
    """A kilobyte that claims, or unpacks to, hundreds of megabytes."""
    side = chance.choice([6000, 9000, 20_000, 65_000, 2**31 - 1])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    signature = b"\x89PNG\r\n\x1a\n"
    zeros = chance.choice(ZEROS)
    kinds = [
        signature + header + chunk(b"IDAT", zeros),
        signature + header + chunk(b"zTXt", b"Comment\0\0" + zeros) + chunk(b"IDAT", zeros),
        b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0xF0, 0, 0) + b"\0" * 6 + b",",
        b"BM"
        + struct.pack(
            "<IHHIIiiHHIIiiII",
            10**9,
            0,
            0,
            54,
            40,
            side % 2**30,
            -(side % 2**30),
            1,
            24,
            0,
            0,
            0,
            0,
            0,
            0,
        ),
        b"II*\0\x08\0\0\0" + struct.pack("<HHHIIHHII", 2, 256, 4, 1, side, 257, 4, 1, side),
    ]
    return Case("bomb", form(chance.choice(kinds) + chance.randbytes(4)))


def odd_exif(chance: random.Random) -> Case:
    body = b"Exif\0\0" + chance.choice([b"MM\0*", b"II*\0", b""]) + chance.randbytes(60)
    jpeg = photo(chance, "JPEG")
    return Case(
        "odd EXIF",
        form(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]),
    )


def path_trick(chance: random.Random) -> Case:
    name = chance.choice(
        [
            "../../../../etc/passwd",
            "..\\..\\windows\\win.ini",
            "/etc/shadow",
            "a/../../b.jpg",
            ".",
            "..",
            "",
            "~/.bashrc",
            "%2e%2e%2fetc%2fpasswd",
            "$(touch /tmp/x).jpg",
            "`id`.jpg",
            "a\x00.jpg",
            "CON",
            "x" * chance.randint(300, 4000),
            "\u202egpj.exe",
            "=cmd|' /C calc'!A0.jpg",
            "é" * 200,
            "<script>alert(1)</script>.jpg",
            "'; DROP TABLE predictions; --.jpg",
            "{{7*7}}.jpg",
        ]
    )
    return Case("path trick", form(photo(chance), name))


def wrong_form(chance: random.Random) -> Case:
    good = form(photo(chance))
    body, kind = chance.choice(
        [
            (good, "multipart/form-data"),
            (good, "multipart/form-data; boundary="),
            (good, f"multipart/form-data; boundary={'x' * chance.randint(1, 300)}"),
            (good, "multipart/mixed; boundary=hostile"),
            (good, chance.choice(["image/jpeg", "text/plain", "", "application/xml", "a/b/c"])),
            (good[: chance.randrange(len(good))], FORM),
            (good[chance.randrange(1, len(good)) :], FORM),
            (good.replace(b"photos", chance.choice([b"photo", b"file", b"", b"photos\x00"])), FORM),
            (good.replace(b"filename", b"nofilename"), FORM),
            (
                good.replace(b"form-data", chance.choice([b"attachment", b"", b"form-data;" * 99])),
                FORM,
            ),
            (good.replace(b"Content-Type", b"X" * chance.randint(1, 30_000)), FORM),
            (good.replace(b": ", b" "), FORM),
            (form(b"http://127.0.0.1:22/").replace(b'; filename="a.jpg"', b""), FORM),
            (
                b"".join(
                    form(b"x").removesuffix(b"--\r\n") for _ in range(chance.randint(2, 2000))
                ),
                FORM,
            ),
            (chance.randbytes(chance.randint(0, 5000)), FORM),
            (form(form(photo(chance))), FORM),
        ]
    )
    return Case("wrong form", body, kind)


def wrong_json(chance: random.Random) -> Case:
    text = base64.b64encode(photo(chance)).decode()
    value = chance.choice(
        [
            "",
            "null",
            "[]",
            "{}",
            '"x"',
            "1e999",
            "NaN",
            "{" * 9,
            '{"photos": null}',
            '{"photos": {}}',
            '{"photos": [null]}',
            '{"photos": [1]}',
            '{"photos": [[]]}',
            '{"photos": [{}]}',
            '{"photos"',
            '{"photos": ["é"]}',
            '{"photos": ["\\ud800"]}',
            '{"photos": [{"name": 1, "content": ""}]}',
            '{"photos": ["http://127.0.0.1/"]}',
            '{"photos": ["file:///etc/passwd"]}',
            "[" * chance.randint(1000, 100_000),
            '{"photos": ' + "[" * chance.randint(1000, 100_000),
            '{"a":' * chance.randint(1000, 30_000),
            json.dumps({"photos": [text[:-3]]}),
            json.dumps({"photos": [text] * 33}),
            '{"photos": [' + "1" * 5000 + "]}",
            json.dumps({"photos": [{"name": "../" * 99, "content": text}]}),
            json.dumps({"photos": ["data:image/png;base64," + text]}),
        ]
    )
    body = value.encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        body = chance.choice([b"\xff\xfe", b"\xef\xbb\xbf", b"\0"]) + body
    return Case("wrong JSON", body, chance.choice([JSON, JSON, f"{JSON}; charset=utf-16"]))


def wrong_feedback(chance: random.Random) -> Case:
    value = chance.choice(
        [
            {},
            [],
            None,
            {"prediction_id": None},
            {"prediction_id": "x" * 65, "wrong": True},
            {"prediction_id": "'; DROP TABLE feedback; --", "wrong": True},
            {"prediction_id": "\0"},
            {"prediction_id": "a\0b", "wrong": True},
            {"prediction_id": "\ud800", "wrong": True},
            {"prediction_id": "x", "true_count": -1},
            {"prediction_id": "x", "true_count": 10**30},
            {"prediction_id": "x", "true_count": 1.5},
            {"prediction_id": "x", "true_count": "three"},
            {"prediction_id": "x", "wrong": "maybe"},
            {"prediction_id": {"$ne": 1}, "wrong": True},
            {"prediction_id": "x", "wrong": True, "admin": True, "n": chance.random()},
        ]
    )
    body = json.dumps(value).encode()
    return Case("wrong feedback", body, JSON, path="/feedback")


def wrong_place(chance: random.Random) -> Case:
    path = chance.choice(
        [
            "/detect",
            "/render",
            "/feedback",
            "/model/x",
            "/..%2f..%2fetc/passwd",
            "/gradio_api/file=/etc/passwd",
            "/gradio_api/file=..%2f..%2fetc%2fpasswd",
            "/docs-viewer/../../x",
            "/docs-viewer/%2e%2e/%2e%2e/app.py",
            "/static/../../../etc/passwd",
            "/.env",
            "/.git/config",
            "/gradio_api/proxy=http://127.0.0.1:22/",
            "/gradio_api/file=http://127.0.0.1:22/",
            "/%2fdetect",
            "/detect%00",
            "/" + "a" * chance.randint(100, 8000),
            "/gradio_api/stream/x/y/z/p.m3u8",
        ]
    )
    api = path in ("/detect", "/render", "/feedback")
    method = chance.choice(["PUT", "DELETE", "PATCH", "GET"] if api else ["GET"])
    return Case("wrong place", b"", "text/plain", method, path)


def odd_headers(chance: random.Random) -> Case:
    headers = chance.choice(
        [
            {"x-huge": "x" * chance.randint(70_000, 900_000)},
            {f"x-{i}": "y" * 50 for i in range(2000)},
            {"content-encoding": "gzip", "cookie": "a=" + "b" * 70_000},
        ]
    )
    return Case("huge headers", form(photo(chance)), headers=headers)


def odd_framing(chance: random.Random) -> Case:
    """What no HTTP library sends: it goes over a bare socket."""
    head = "POST /detect HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM + "\r\n"
    rest = chance.choice(
        [
            "Content-Length: -1\r\n\r\n",
            "Content-Length: x\r\n\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\nab\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n",
            "Bad Header\r\n\r\n",
            "Content-Length: 99999999999999\r\n\r\n",
            "Content-Length: 1000\r\n\r\nslow",
            ": x\r\n\r\n",
        ]
    )
    return Case("odd framing", raw=(head + rest).encode())


KINDS: tuple[Callable[[random.Random], Case], ...] = (
    truncated,
    flipped,
    renamed,
    odd_size,
    bomb,
    odd_exif,
    path_trick,
    wrong_form,
    wrong_json,
    wrong_feedback,
    wrong_place,
    odd_headers,
    truncated,
    flipped,
    wrong_form,
    wrong_json,
    odd_framing,
)
