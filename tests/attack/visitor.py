"""Somebody who uses the page as its own script does: log-in, uploads, events, answers."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from attacked import Attacked

API = "/gradio_api"
# What an honest page asks at each of its own events.
PLAIN: dict[str, dict[str, Any]] = {
    "start": {},
    "count": {"photos": [], "examples": [], "local": [], "min_score": None},
    "show": {"min_score": 0.5},
    "remove": {"photos": [], "min_score": None},
    "correct": {"photo": "0" * 64, "boxes": [], "min_score": None},
    "save": {"photo": "0" * 64, "true_count": 3, "keep": False, "min_score": None},
    "download": {"what": "csv", "scores": True, "min_score": None},
    "folder": {"folder": ""},
}


@dataclass(frozen=True)
class Event:
    """One event of the page, and the slots where a value can be: widgets, fields of a request."""

    number: int
    name: str
    slots: tuple[str, ...]

    def plain(self, **other: Any) -> list[Any]:
        """What an honest visitor's page would send; ``other``: fields of the request."""
        return [None, {**PLAIN[self.name], **other}] if self.slots else []

    def with_value(self, place: int, value: Any) -> list[Any]:
        """The same with this value in one of the slots."""
        data = self.plain()
        if place < 2:
            data[place] = value
        else:
            data[1][self.slots[place]] = value
        return data


@dataclass(frozen=True)
class Heard:
    """An event's answer: the status of its request, and all that the stream said."""

    status: int
    raw: bytes
    success: bool | None  # None: refused, or no end came

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500 or self.success is False


class Visitor:
    """One browser: its own cookies, its own session."""

    def __init__(self, service: Attacked, timeout: float = 30, address: str = "127.0.0.1") -> None:
        """``address``: of this host, to come from; a client has limits of its own."""
        self.service = service
        self.session = uuid.uuid4().hex[:11]
        self.client = httpx.Client(
            base_url=service.address,
            timeout=timeout,
            follow_redirects=True,
            transport=httpx.HTTPTransport(local_address=address),
        )
        self.client.get("/")
        if service.key:
            form = {"username": "visitor", "password": service.key}
            answer = self.client.post("/login", data=form)
            assert answer.status_code == 200, f"log-in: {answer.status_code} {answer.text[:200]}"

    def __enter__(self) -> Visitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def config(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get("/config").raise_for_status().json()
        return answer

    def events(self) -> list[Event]:
        """Every event, from the page's own description of itself."""
        return [
            Event(
                entry["id"],
                entry["api_name"],
                ("state", "request", *PLAIN[entry["api_name"]]) if entry["inputs"] else (),
            )
            for entry in self.config()["dependencies"]
        ]

    def event(self, name: str) -> Event:
        return next(event for event in self.events() if event.name == name)

    def upload(self, content: bytes, name: str = "a.jpg") -> str:
        """Its path on the service's disk, as an event names it."""
        files = {"files": (name, content, "image/jpeg")}
        answer = self.client.post(f"{API}/upload", files=files).raise_for_status()
        path: str = answer.json()[0]
        return path

    def send(self, number: Any, data: Any, event_data: Any = None, **more: Any) -> Heard:
        """Send one event and hear it to its end."""
        body = {
            "data": data,
            "event_data": event_data,
            "fn_index": number,
            "trigger_id": None,
            "session_hash": self.session,
            **more,
        }
        text = json.dumps(body, default=str)
        headers = {"content-type": "application/json"}
        try:
            joined = self.client.post(f"{API}/queue/join", content=text, headers=headers)
        except httpx.TimeoutException:
            return Heard(200, b"(no answer came)", None)
        except httpx.TransportError as error:  # closed while a large body was being sent
            return Heard(413, repr(error).encode(), None)
        if joined.status_code != 200:
            return Heard(joined.status_code, joined.content, None)
        return self._hear(joined)

    def _hear(self, joined: httpx.Response) -> Heard:
        said = [joined.content]
        query = {"session_hash": self.session}
        try:
            with self.client.stream("GET", f"{API}/queue/data", params=query) as stream:
                if stream.status_code != 200:
                    return Heard(stream.status_code, stream.read(), None)
                for line in stream.iter_lines():
                    said.append(line.encode())
                    if not line.startswith("data:"):
                        continue
                    message = json.loads(line[5:])
                    if message["msg"] == "process_completed":
                        return Heard(200, b"\n".join(said), bool(message["success"]))
                    if message["msg"] in ("unexpected_error", "close_stream"):
                        return Heard(200, b"\n".join(said), False)
        except httpx.ReadTimeout:
            return Heard(200, b"\n".join([*said, b"(no end came)"]), None)
        return Heard(200, b"\n".join(said), None)

    def count(self, content: bytes, name: str = "a.jpg") -> Heard:
        """Upload a photo and have it counted, as dropping it on the page does."""
        return self.show([self.upload(content, name)])

    def show(self, paths: list[str]) -> Heard:
        """Have uploaded photos counted."""
        event = self.event("count")
        photos = [{"path": path, "name": "a.jpg"} for path in paths]
        return self.send(event.number, event.plain(photos=photos))


def file_data(path: Any, **more: Any) -> dict[str, Any]:
    """What the page's script sends for a file that it uploaded."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
