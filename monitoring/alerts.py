"""Alerts: every verdict as a line in a file, drift also to a webhook."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from monitoring.verdict import DriftVerdict, State
from sparrow.webhook import TIMEOUT_S, post_json

FILE = "alerts.jsonl"
WEBHOOK_VARIABLE = "SPARROW_WEBHOOK"  # its address usually holds a secret: not for a config


def alert(
    verdict: DriftVerdict,
    response: str,
    home: Path,
    environment: Mapping[str, str] = os.environ,
) -> list[str]:
    """Append the verdict to ``alerts.jsonl``, and post it where it is drift and an address is set.

    Args:
        verdict: of this run of the monitor.
        response: what is being done about it, in words; may be empty.
        home: folder of ``alerts.jsonl``.
        environment: may hold ``SPARROW_WEBHOOK``, an http or https address. It gets JSON: ``text``
            for people (what Slack and Mattermost show) and the verdict's values.

    Returns:
        What failed, in words, without the address. It never fails the run.
    """
    values = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "text": _text(verdict, response),
        "response": response,
        **verdict.to_dict(),
    }
    line = json.dumps(values)
    faults = [_append(home / FILE, line)]
    address = environment.get(WEBHOOK_VARIABLE, "").strip()
    if address and verdict.state is State.DRIFT:
        faults.append(post_json(WEBHOOK_VARIABLE, address, line.encode(), TIMEOUT_S))
    return [fault for fault in faults if fault]


def _append(path: Path, line: str) -> str | None:
    """What went wrong; None where the line was written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        return f"{path}: the alert could not be written ({error.strerror or error})"
    return None


def _text(verdict: DriftVerdict, response: str) -> str:
    lines = [f"{verdict.model_name} version {verdict.model_version}: {verdict.state.value}."]
    lines += [f"- {change.words}" for change in verdict.drifted] or [verdict.reason]
    return "\n".join([*lines, response] if response else lines)
