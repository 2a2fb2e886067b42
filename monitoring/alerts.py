"""Telling people: every verdict as a line in a file, drift also to a webhook."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from monitoring.verdict import DriftVerdict, State

FILE = "alerts.jsonl"
WEBHOOK_VARIABLE = "SPARROW_WEBHOOK"  # its address holds a secret as a rule: not for a config
TIMEOUT_S = 5.0


def alert(
    verdict: DriftVerdict,
    response: str,
    home: Path,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Write the verdict down, and send it where it is drift and an address is set.

    Args:
        verdict: of this run of the monitor.
        response: what is being done about it, in words; may be empty.
        home: folder of ``alerts.jsonl``.
        environment: may hold ``SPARROW_WEBHOOK``, an http or https address. It gets JSON: ``text``
            for people (what Slack and Mattermost show) and the verdict's values.

    Returns:
        What could not be told, in words, without the address's secret part. An alert that fails
        never fails the run: the verdict is its result.
    """
    values = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "text": _text(verdict, response),
        "response": response,
        **verdict.to_dict(),
    }
    faults = []
    try:
        home.mkdir(parents=True, exist_ok=True)
        with (home / FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
    except OSError as error:
        faults.append(f"{home / FILE}: the alert could not be written ({error.strerror or error})")
    address = environment.get(WEBHOOK_VARIABLE, "").strip()
    if address and verdict.state is State.DRIFT:
        fault = _post(address, values)
        faults += [fault] if fault else []
    return faults


def _text(verdict: DriftVerdict, response: str) -> str:
    lines = [f"{verdict.model_name} version {verdict.model_version}: {verdict.state.value}."]
    lines += [f"- {change.words}" for change in verdict.drifted] or [verdict.reason]
    return "\n".join([*lines, response] if response else lines)


def _post(address: str, values: dict[str, Any]) -> str | None:
    """What went wrong, or None."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{WEBHOOK_VARIABLE} is not an http or https address: no alert was sent"
    body = json.dumps(values).encode()
    request = Request(address, body, {"content-type": "application/json"})  # noqa: S310 as checked
    try:
        with urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return None
    except (OSError, HTTPException, ValueError) as error:  # an HTTP status is an OSError, too
        reason = getattr(error, "reason", None) or error
        return f"the webhook at {parts.hostname} did not take the alert ({reason})"
