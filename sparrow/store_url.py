"""Addresses of stores: a secret in them is named, as ``${NAME}``, and put in only when used.

So no config, model, run, command line or log holds it: only the environment does.
"""

from __future__ import annotations

import os
import re
from urllib.parse import parse_qsl, quote, urlsplit

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_WORDS = ("password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "access_key")


class StoreURLError(ValueError):
    """An address that cannot be used; the message never holds its secret."""


def resolve(url: str) -> str:
    """The address with the environment's values in the place of ``${NAME}``.

    A value that is only a part of the address is quoted as URLs want it; one that is the whole
    address is taken as it is.

    Raises:
        StoreURLError: a variable is not set.
    """

    def value_of(found: re.Match[str]) -> str:
        name = found.group(1)
        value = os.environ.get(name)
        if not value:
            raise StoreURLError(
                f"the store {hide_secrets(url)} needs the environment variable {name}, which is "
                "not set"
            )
        return value if found.group(0) == url else quote(value, safe="")

    return VARIABLE.sub(value_of, url)


def holds_secret(url: str) -> bool:
    """Whether a password, token or key stands in an address itself."""
    if "://" not in url:
        return False
    try:
        parts = urlsplit(url)
        named = [parts.password or ""]
        named += [value for name, value in parse_qsl(parts.query) if _is_secret(name)]
    except ValueError:
        return True  # what cannot be taken apart is not shown
    return any(VARIABLE.sub("", value) for value in named)


def hide_secrets(url: str) -> str:
    """The address for people: ``***`` in the place of what must not be seen."""
    if not holds_secret(url):
        return url
    scheme, _, rest = url.partition("://")
    before, at, after = rest.rpartition("@")
    user = before.partition(":")[0]
    address, question, query = after.partition("?")
    shown = [
        f"{name}={'***' if _is_secret(name) else value}"
        for name, _, value in (part.partition("=") for part in query.split("&"))
    ]
    named = f"{user}:***@" if at else ""
    return f"{scheme}://{named}{address}{question}{'&'.join(shown) if question else ''}"


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRET_WORDS)
