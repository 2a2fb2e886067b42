"""One POST to an address that is a secret: bounded in time, and nothing of it in any message."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

TIMEOUT_S = 5.0  # for all of it: name look-up, connection, and the answer's head
_PRINTABLE = re.compile(r"[!-~]+")  # what an address consists of; all else is %XX or punycode


class _NoRedirects(HTTPRedirectHandler):
    """A redirect turns a POST into a GET without its body: it is an answer, not to be followed."""

    # Six arguments: the signature is that of ``urllib``.
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow none."""
        return


@dataclass
class _Outcome:
    fault: str | None = "did not answer"


def post_json(
    name: str, address: str, body: bytes, timeout_s: float = TIMEOUT_S, what: str = "alert"
) -> str | None:
    """Post JSON to a web address.

    Args:
        name: of the setting that holds the address, for messages.
        address: http or https.
        body: the JSON.
        timeout_s: for all of it, in seconds, however slowly the other side answers.
        what: is sent, in a word for messages.

    Returns:
        What went wrong, with the host's name and nothing else of the address; None where the
        server took it (a status of 200 to 299).
    """
    host = _host(address)
    if host is None:
        return (
            f"{name} is not an http or https address (https://HOST/PATH, without blanks or a "
            f"password before the host): no {what} was sent"
        )
    fault = _send_within(address, body, timeout_s)
    return fault and f"the webhook at {host} did not take the {what}: it {fault}"


def _send_within(address: str, body: bytes, timeout_s: float) -> str | None:
    """What went wrong, after ``timeout_s`` at the latest; None where the server took it."""
    outcome = _Outcome(f"did not answer within {timeout_s:g} s")

    def send() -> None:
        outcome.fault = _send(address, body, timeout_s)

    # A socket's timeout holds for each piece of an answer, not for the whole: a server that sends a
    # byte a second is never late. The thread ends with the connection or the process.
    thread = threading.Thread(target=send, name="webhook", daemon=True)
    thread.start()
    thread.join(timeout_s)
    return outcome.fault


def _host(address: str) -> str | None:
    """The host's name; None where nothing can be posted to the address."""
    try:
        parts = urlsplit(address)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    is_plain = _PRINTABLE.fullmatch(address) is not None and parts.username is None
    is_valid = is_plain and port_is_valid and parts.scheme in ("http", "https")
    return (parts.hostname or None) if is_valid else None


def _send(address: str, body: bytes, timeout_s: float) -> str | None:
    """What went wrong; no library's own words, which quote the address where it is wrong."""
    request = Request(address, body, {"content-type": "application/json"})  # noqa: S310 as checked
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout_s):
            return None
    except HTTPError as error:
        return _status(error)
    except TimeoutError:
        return f"did not answer within {timeout_s:g} s"
    except URLError as error:
        return f"cannot be reached ({_short(error.reason)})"
    except OSError as error:
        return f"broke off the connection ({_short(error)})"
    except Exception as error:
        return f"did not answer as a web server does ({type(error).__name__})"


def _status(error: HTTPError) -> str:
    with error:
        try:
            words = f"{error.code} {HTTPStatus(error.code).phrase}"
        except ValueError:
            words = str(error.code)
    hint = "; set the address that it redirects to" if 300 <= error.code < 400 else ""
    return f"answered with status {words}{hint}"


def _short(reason: Any) -> str:
    """The system's words for an error, without a file name or an address."""
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    text = reason.strerror if isinstance(reason, OSError) else None
    return text or type(reason).__name__
