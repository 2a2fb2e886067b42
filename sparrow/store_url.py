"""Addresses of stores: a secret in them is named, as ``${NAME}``, and put in only when used.

So no config, model, run, command line or log holds it: only the environment does.
"""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_WORDS = (
    "password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "access_key", "accountkey",
    "account_key", "credential", "signature",
)  # fmt: skip
ASSIGNED = re.compile(rf"(?:{'|'.join(SECRET_WORDS)})\s*=\s*(?!\$\{{|;|$)", re.IGNORECASE)
CREDENTIALS = re.compile(r"(?P<user>[^:/?#@]*):(?P<secret>.*)@", re.DOTALL)
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"]+")


class StoreURLError(ValueError):
    """An address that cannot be used; the message never holds its secret."""


TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"  # of MLflow's own


def resolve(url: str) -> str:
    """The address with the environment's values in the place of ``${NAME}``.

    A value that is only a part of the address is quoted as URLs want it; one that is the whole
    address is taken as it is.

    Raises:
        StoreURLError: a variable is not set.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        value = os.environ.get(name)
        if not value:
            raise StoreURLError(
                f"the store {hide_secrets(url)} needs the environment variable {name}, which is "
                "not set"
            )
        return value if match.group(0) == url else quote(value, safe="")

    return VARIABLE.sub(value_of, url)


def holds_secret(url: str) -> bool:
    """Whether a password, token or key is part of an address itself."""
    return hide_secrets(url) != url


def hide_secrets(url: str) -> str:
    """The address for people: ``***`` in the place of what must not be seen.

    A password is all from the first ``:`` to the last ``@``, as SQLAlchemy takes it: one with an
    unquoted ``/``, ``?`` or ``#`` is a password, too.
    """
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return url
    named = CREDENTIALS.match(rest)
    login, address = (named.group(0), rest[named.end() :]) if named else ("", rest)
    if named and VARIABLE.sub("", named.group("secret")):
        login = f"{named.group('user')}:***@"
    address, question, query = address.partition("?")
    shown = "&".join(_shown(part) for part in query.split("&"))
    return f"{scheme}://{login}{address}{question}{shown}"


def hide_in_text(text: str) -> str:
    """A message with the secrets of all addresses in it hidden."""
    return ADDRESS.sub(lambda match: hide_secrets(match.group(0)), text)


def _shown(part: str) -> str:
    """One ``name=value`` of a query."""
    name, _, value = part.partition("=")
    secret = any(word in name.lower() for word in SECRET_WORDS) and VARIABLE.sub("", value)
    # A whole connection string may be one value: odbc_connect=DRIVER%3D…%3BPWD%3D…
    return f"{name}=***" if secret or ASSIGNED.search(unquote(value)) else part


def tracking_url(configured: str) -> str:
    """MLflow's store: what the environment names, as for all programs of MLflow's, else the config.

    Args:
        configured: ``stores.tracking``.

    Returns:
        As it is written, with ``${NAME}`` in the place of a secret.
    """
    return os.environ.get(TRACKING_VARIABLE) or configured


def describe_tracking(configured: str) -> str:
    """The store that ``tracking_url`` names and who says so, for people."""
    source = TRACKING_VARIABLE if os.environ.get(TRACKING_VARIABLE) else "stores.tracking"
    return f"MLflow: {hide_secrets(tracking_url(configured))} ({source})"
