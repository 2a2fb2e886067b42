"""Attacks on the page's events: every event, every slot, every hostile value."""

from __future__ import annotations

import os
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
from attacked import SECRETS, Attacked
from hostile_values import Hostile, hostile_values
from visitor import API, Event, Heard, Visitor, file_data

AT_ONCE = 4
NO_END = ": no end came"
PATHS = re.compile(rb'"(?:path|url)": ?"((?:[^"\\]|\\.){1,4000})"')


def every_event_and_slot(service: Attacked) -> list[str]:
    """Each event of the page's own description, with each value in each of its slots."""
    with Visitor(service) as other:
        foreign = other.upload(service.photo + SECRETS[0], "other.jpg")
        events = other.events()
    values = hostile_values(service, foreign)
    assert len(values) >= 30
    with ThreadPoolExecutor(AT_ONCE) as attackers:
        reports = attackers.map(lambda event: _one_event(service, event, values), events)
        troubles = [trouble for some in reports for trouble in some]
    return troubles + after_effects(service)


def _one_event(service: Attacked, event: Event, values: list[Hostile]) -> list[str]:
    troubles: list[str] = []
    with Visitor(service) as visitor:
        if "state" in event.slots:  # further into the event with a photo that was counted
            counted = visitor.count(service.photo)
            if not counted.success:
                return [f"an honest photo on the page: {counted.status} {counted.raw[:200]!r}"]
        for value in values:
            if sum(trouble.endswith(NO_END) for trouble in troubles) > 2:
                return [*troubles, f"{event.name}: given up at {value.name}"]
            for place in range(len(event.slots)):
                heard = visitor.send(event.number, event.with_value(place, value.value))
                slot = f"{event.name}({event.slots[place]} {place})"
                troubles += _check_answer(visitor, heard, value, slot)
        # What was clicked on: only an event without a slot looks at it, so for others some will do.
        for value in values[:: 8 if event.slots else 1]:
            heard = visitor.send(event.number, event.plain(), event_data=value.value)
            may_be_ignored = replace(value, refused=False)
            troubles += _check_answer(visitor, heard, may_be_ignored, f"{event.name}(event_data)")
        troubles += _stolen_through_links(visitor)
    return troubles


def _check_answer(visitor: Visitor, heard: Heard, value: Hostile, slot: str) -> list[str]:
    where = f"{slot} <- {value.name}"
    troubles = [f"{where}: {secret!r} came back" for secret in SECRETS if secret in heard.raw]
    if b"Traceback" in heard.raw or b"site-packages" in heard.raw:
        troubles.append(f"{where}: a traceback")
    if heard.status >= 500 and heard.status != 503:
        troubles.append(f"{where}: status {heard.status}")
    if heard.status == 200 and heard.success is None:
        troubles.append(f"{where}{NO_END}")
    if value.refused and not heard.refused:
        troubles.append(f"{where}: accepted ({heard.status})")
        troubles += _stolen(visitor, heard.raw, where)
    return troubles


def _stolen(visitor: Visitor, raw: bytes, where: str) -> list[str]:
    """Fetch each file that an answer names, and look what is in it."""
    troubles = []
    for address in sorted(set(PATHS.findall(raw)))[:20]:
        path = address.decode("utf-8", "replace").rsplit("/file=", 1)[-1]
        try:
            answer = visitor.client.get(f"{API}/file={quote(path)}").content
        except httpx.HTTPError:
            continue  # broken off: nothing was learnt
        troubles += [f"{where}: file={path[:80]} gave {s!r}" for s in SECRETS if s in answer]
    return troubles


def _stolen_through_links(visitor: Visitor) -> list[str]:
    """Gradio copies what a session holds into its folder for a "deep link", which anybody opens."""
    link = visitor.client.get(f"{API}/deep_link", params={"session_hash": visitor.session})
    if link.status_code != 200:
        return []
    name = link.json() if link.headers.get("content-type", "").startswith("application/j") else ""
    config = visitor.client.get("/config", params={"deep_link": name}).content
    return ["deep_link gave a link", *_stolen(visitor, config, "deep_link")]


def after_effects(service: Attacked) -> list[str]:
    """What an attack left behind, wherever it went in."""
    troubles = [f"the service did: {line}" for line in sorted(set(service.reported()))]
    for path in set(service.files()) - service.known:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if not path.name.startswith("other"):  # what another visitor uploaded
            held = [s for s in SECRETS if s in content]
            troubles += [f"{path} holds {s!r}" for s in held]
            service.known |= {path} if held else set()
    service.forget()
    trouble = service.counts()
    return [*troubles, *([trouble] if trouble else [])]


def odd_events(service: Attacked) -> list[str]:
    """Bodies that no page sends: wrong numbers, shapes, sessions, and the wrong count of slots."""
    troubles = []
    numbers: list[Any] = [-1, 10_000, 2**70, None, "0", [0], {}, 1.5, True, float("nan")]
    slots: list[Any] = [None, [], {}, "x", [None] * 100, [[]] * 5, [{}] * 5, 7]
    sessions: list[Any] = [None, "", "x" * 5000, "../../x", ["a"], {"a": 1}, 3, "a\0b", "*"]
    with Visitor(service, timeout=20) as visitor:
        cases = [(number, [None], visitor.session) for number in numbers]
        cases += [(e.number, s, visitor.session) for e in visitor.events() for s in slots]
        cases += [(0, [None], session) for session in sessions]
        for number, data, session in cases:
            visitor.session = session if isinstance(session, str) else visitor.session
            heard = visitor.send(number, data, session_hash=session)
            what = f"event {number!r}, {str(data)[:30]}, session {str(session)[:20]!r}"
            if heard.status >= 500 and heard.status != 503:
                troubles.append(f"{what}: status {heard.status} {heard.raw[:120]!r}")
            if b"Traceback" in heard.raw or b"site-packages" in heard.raw:
                troubles.append(f"{what}: a traceback")
            visitor.session = uuid.uuid4().hex[:11]
    return troubles + after_effects(service)


def a_pipe_as_a_file(service: Attacked) -> list[str]:
    """Whoever opens a pipe waits for its other end: if it is the event loop, everybody does."""
    troubles = []
    with Visitor(service, timeout=10) as visitor:
        for event in visitor.events():
            for place in range(len(event.slots)):
                pipe = file_data(str(service.bait / "pipe.jpg"))
                heard = visitor.send(event.number, event.with_value(place, pipe))
                if not heard.refused:
                    troubles.append(f"{event.name}({event.slots[place]} {place}): a pipe is taken")
                if heard.success is None and (trouble := service.counts()):
                    os.close(os.open(service.bait / "pipe.jpg", os.O_RDWR | os.O_NONBLOCK))
                    return [*troubles, f"after a pipe in {event.name}: {trouble}"]
    return troubles + after_effects(service)
