"""``--set`` of both flows: repeated on a command line, one text where a scheduler hands it on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from metaflow.exception import MetaflowException

KEY = re.compile(r"[A-Za-z_][\w.]*=")
TRIGGER = "trigger"  # Metaflow's command that starts what was deployed


class OverridesError(MetaflowException):
    """A text that cannot be read without guessing."""

    headline = "Not started"


def overrides_given(
    context: Any,
    option: Any,
    values: Sequence[str] | None,  # click's, as Metaflow ships it
) -> tuple[str, ...] | str | None:
    """Callback of the parameter: the overrides one by one, however they were given.

    A scheduler knows parameters of one text each. Metaflow puts it into an environment variable,
    which click would cut at each blank; and what ``argo-workflows trigger`` sends is one text.

    Raises:
        OverridesError: see ``read_overrides``.
    """
    text = option.resolve_envvar_value(context)
    if text and tuple(values or ()) == tuple(text.split()):
        values = read_overrides(text)
    if values and context.info_name == TRIGGER:
        written = json.dumps(list(values))  # a shell in the pod reads it, between double quotes
        return written.replace("$", "\\u0024").replace("`", "\\u0060")
    return tuple(values) if values else None


def read_overrides(text: str) -> list[str]:
    """A JSON list of ``key=value`` texts, or these one after the other as in a shell.

    Raises:
        OverridesError: it is neither.
    """
    try:
        words = json.loads(text)
    except ValueError:
        try:
            words = shlex.split(text)
        except ValueError:
            words = None
    if isinstance(words, list) and all(isinstance(w, str) and KEY.match(w) for w in words):
        return words
    raise OverridesError(
        f"set: expected key=value, several with a blank between them, each that has a blank in it "
        f"in quotes; or a JSON list of such texts. Found {text}"
    )
