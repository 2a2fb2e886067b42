"""Telling people: every verdict as a line in a file, drift also to a webhook."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from monitoring.verdict import DriftVerdict, State
from monitoring.webhook import TIMEOUT_S, post_json

FILE = "alerts.jsonl"
WEBHOOK_VARIABLE = "SPARROW_WEBHOOK"  # its address holds a secret as a rule: not for a config


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
        fault = post_json(WEBHOOK_VARIABLE, address, json.dumps(values).encode(), TIMEOUT_S)
        faults += [fault] if fault else []
    return faults


def _text(verdict: DriftVerdict, response: str) -> str:
    lines = [f"{verdict.model_name} version {verdict.model_version}: {verdict.state.value}."]
    lines += [f"- {change.words}" for change in verdict.drifted] or [verdict.reason]
    return "\n".join([*lines, response] if response else lines)
