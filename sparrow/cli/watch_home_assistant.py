"""What Home Assistant is told so that it makes its sensors by itself (MQTT discovery)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sparrow

PREFIX = "homeassistant"  # Home Assistant's own default
_KINDS = {"last": "last photo", "most_today": "most today"}
_SENSOR = {"state_class": "measurement", "icon": "mdi:counter"}
_WATCHING = {
    "name": "watching",
    "payload_on": "online",
    "payload_off": "offline",
    "device_class": "connectivity",
    "entity_category": "diagnostic",
}


@dataclass(frozen=True)
class Topics:
    """The topics of one watch.

    Attributes:
        name: of the watch: letters of a to z, digits and underscores.
    """

    name: str

    @property
    def photo(self) -> str:
        """Each photo's message, not retained."""
        return f"sparrow/{self.name}/photo"

    @property
    def state(self) -> str:
        """Counts of the last photo and the most today, retained."""
        return f"sparrow/{self.name}/state"

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained."""
        return f"sparrow/{self.name}/availability"


def name_of(text: str) -> str:
    """A text as a topic's part and an identifier of Home Assistant."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "watch"


def configs(topics: Topics, class_names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The message of each sensor by its topic; all of them are to be retained."""
    node = f"sparrow_{topics.name}"
    names = ["all", *class_names] if len(class_names) > 1 else list(class_names)
    messages = {}
    for number, name in enumerate(names):
        for kind, words in _KINDS.items():
            # The number parts names that differ only in signs, such as "great tit" and "great-tit".
            identifier = f"{node}_{name_of(name)}_{number}_{kind}"
            sensor = {
                "name": f"{name.replace('_', ' ')}, {words}",
                "value_template": _template(kind, name),
                "availability_topic": topics.availability,
                **_SENSOR,
            }
            messages[f"{PREFIX}/sensor/{identifier}/config"] = {
                **sensor, **_common(topics.state, node, identifier)
            }  # fmt: skip
    identifier = f"{node}_watching"
    messages[f"{PREFIX}/binary_sensor/{identifier}/config"] = {
        **_WATCHING, **_common(topics.availability, node, identifier)
    }  # fmt: skip
    return messages


def _template(kind: str, name: str) -> str:
    """The number of a class; unknown as long as there is no photo."""
    values = f"value_json[{json.dumps(kind)}]"
    key = json.dumps(name, ensure_ascii=False)
    return f"{{{{ {values}[{key}] if {values} else none }}}}"


def _common(topic: str, node: str, identifier: str) -> dict[str, Any]:
    return {
        "unique_id": identifier,
        "object_id": identifier,
        "state_topic": topic,
        "qos": 1,
        "device": {
            "identifiers": [node],
            "name": node.replace("_", " ").capitalize(),
            "manufacturer": "Sparrow",
        },
        "origin": {"name": "Sparrow", "sw_version": sparrow.__version__},
    }
