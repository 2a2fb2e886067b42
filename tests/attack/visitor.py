"""Somebody who uses the page as its own script does: log-in, uploads, events, answers."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
from attacked import Attacked

API = "/gradio_api"
PLAIN: dict[str, Any] = {
    "file": None, "slider": 0.5, "checkbox": True, "colorpicker": "#123456", "state": None,
    "dropdown": None, "number": 3,
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One event of the page: its number and the kinds of its slots, in order."""

    number: int
    name: str
    slots: tuple[str, ...]

    def plain(self, **other: Any) -> list[Any]:
        """What an honest visitor's page would send; ``other``: by the kind of slot."""
        return [other.get(kind, PLAIN.get(kind)) for kind in self.slots]


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
        config = self.config()
        kinds = {part["id"]: part["type"] for part in config["components"]}
        return [
            Event(
                entry["id"],
                "+".join(f"{kinds.get(t[0], 'page')}.{t[1]}" for t in entry["targets"]),
                tuple(kinds[i] for i in entry["inputs"]),
            )
            for entry in config["dependencies"]
        ]

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
        return self.show([file_data(self.upload(content, name))])

    def show(self, files: list[Any]) -> Heard:
        """Send the event of a changed list of photos."""
        event = next(e for e in self.events() if e.name == "file.change")
        return self.send(event.number, event.plain(file=files))


def file_data(path: Any, **more: Any) -> dict[str, Any]:
    """What the page's script sends for a file that it uploaded."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}
