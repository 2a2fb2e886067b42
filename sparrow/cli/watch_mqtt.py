"""Tells an MQTT broker of each photo, with Home Assistant's discovery and a last will.

Messages have QoS 1: the broker confirms each, and only then the queue moves on. One that was
confirmed just when the connection broke is sent twice, with the same ``id``.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from sparrow.cli.journal_entry import Entry
from sparrow.cli.watch_home_assistant import Topics, configs
from sparrow.cli.watch_message import Messages

PORT, TLS_PORT = 1883, 8883
KEEP_ALIVE_S = 30
LONGEST_PAUSE_S = 30  # between two tries to reach the broker
_LOOK_S = 0.5  # from one look whether it is time to stop to the next


@dataclass(frozen=True)
class Broker:
    """Where the broker is, and who asks.

    Attributes:
        host, port: of the broker.
        tls: whether the connection is encrypted, and the broker's certificate checked.
        ca: certificates to check it by, as PEM; None takes the system's.
        username, password: None where the broker asks for none.
    """

    host: str
    port: int
    tls: bool = False
    ca: Path | None = None
    username: str | None = None
    password: str | None = None


class Mqtt:
    """A receiver behind a broker."""

    name = "mqtt"

    def __init__(
        self, broker: Broker, topics: Topics, class_names: tuple[str, ...], client_id: str
    ) -> None:
        """Begin to connect, and go on with it in a thread.

        Args:
            broker: see there.
            topics: of this watch.
            class_names: of the model.
            client_id: the same after a restart; a broker lets each be there once.

        Raises:
            OSError: the file of certificates cannot be read.
        """
        self._broker, self._topics, self._class_names = broker, topics, class_names
        self._connected, self._said = threading.Event(), ""
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id)
        if broker.username is not None:
            self._client.username_pw_set(broker.username, broker.password)
        if broker.tls:
            self._client.tls_set(ca_certs=None if broker.ca is None else str(broker.ca))
        self._client.will_set(topics.availability, "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, LONGEST_PAUSE_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.connect_async(broker.host, broker.port, KEEP_ALIVE_S)
        self._client.loop_start()

    def deliver(self, entry: Entry, messages: Messages, stopping: threading.Event) -> bool:
        """Publish the photo and the state after it; True when the broker has confirmed both."""
        while not self._connected.wait(_LOOK_S):
            if stopping.is_set():
                return False
        sent = [self._publish(self._topics.photo, messages.photo(entry), retain=False)]
        sent.append(self._publish_state(messages, entry))
        for message in sent:
            while not message.is_published():
                if stopping.is_set():
                    return False
                message.wait_for_publish(_LOOK_S)
        return True

    def idle(self, messages: Messages, last: Entry | None) -> None:
        """At midnight the most of the day begins anew."""
        if self._connected.is_set() and messages.is_new_day(datetime.now().astimezone().date()):
            self._publish_state(messages, last)

    def close(self) -> None:
        """Say that nobody watches any more, and leave."""
        if self._connected.is_set():
            offline = self._client.publish(self._topics.availability, "offline", 1, retain=True)
            offline.wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_state(self, messages: Messages, entry: Entry | None) -> mqtt.MQTTMessageInfo:
        today = datetime.now().astimezone().date()
        return self._publish(self._topics.state, messages.state(entry, today), retain=True)

    def _publish(
        self, topic: str, message: dict[str, Any], *, retain: bool
    ) -> mqtt.MQTTMessageInfo:
        text = json.dumps(message, ensure_ascii=False)
        return self._client.publish(topic, text, qos=1, retain=retain)

    # The arguments of these three are paho's.
    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: Any, _more: object
    ) -> None:
        if reason.is_failure:
            self._say(f"refused: {reason}")
            return
        for topic, config in configs(self._topics, self._class_names).items():
            self._publish(topic, config, retain=True)
        client.publish(self._topics.availability, "online", qos=1, retain=True)
        self._say("connected")
        self._connected.set()

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        reason = sys.exception()  # paho calls this while it handles the error, and does not pass it
        self._say(f"cannot be reached ({reason or 'no reason is known'}); photos wait on the disk")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: Any, _more: object
    ) -> None:
        was_connected = self._connected.is_set()
        self._connected.clear()
        if was_connected and reason.is_failure:
            self._say(f"connection lost ({reason}); photos wait on the disk")

    def _say(self, words: str) -> None:
        """Say how it is, once as long as it stays so."""
        if words != self._said:
            self._said = words
            where = f"{self._broker.host}:{self._broker.port}"
            print(f"MQTT broker {where}: {words}", file=sys.stderr, flush=True)
