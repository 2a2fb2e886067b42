"""Tells a webhook of each photo: one POST of JSON, tried until it is taken."""

from __future__ import annotations

import json
import sys
import threading

from sparrow.cli.journal_entry import Entry
from sparrow.cli.watch_message import Messages
from sparrow.webhook import post_json

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Webhook:
    """A receiver that an address leads to."""

    name = "webhook"

    def __init__(
        self, address: str, setting: str, longest_pause_s: float = LONGEST_PAUSE_S
    ) -> None:
        """Connect to nothing yet.

        Args:
            address: http or https; a secret.
            setting: where it is from, for messages.
            longest_pause_s: between two tries.
        """
        self._address, self._setting = address, setting
        self._longest = longest_pause_s

    def deliver(self, entry: Entry, messages: Messages, stopping: threading.Event) -> bool:
        """Post the photo's message, again and again, until a status of 200 to 299."""
        body = json.dumps(messages.photo(entry)).encode()
        pause, said = min(FIRST_PAUSE_S, self._longest), ""
        while (fault := post_json(self._setting, self._address, body, what="count")) is not None:
            if fault != said:
                print(f"{fault}; it is tried again until it is taken", file=sys.stderr, flush=True)
                said = fault
            if stopping.wait(pause):
                return False
            pause = min(2 * pause, self._longest)
        if said:
            print("the webhook takes counts again", file=sys.stderr, flush=True)
        return True

    def idle(self, messages: Messages, last: Entry | None) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """No connection is kept."""
