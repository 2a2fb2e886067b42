"""The API key: in a header of programs, in a signed cookie of people; guesses are limited."""

from __future__ import annotations

import hmac
import logging
import math

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import cookie_parser

from service import metrics
from service.proxies import Origin
from service.rate import RateLimit
from service.refusal import RefusalError

COOKIE = "sparrow-session"
SESSION_SECONDS = 12 * 3600

logger = logging.getLogger("sparrow.access")


class Access:
    """Checks keys and log-ins of a service that requires a key."""

    def __init__(self, key: str, guesses_per_minute: int) -> None:
        self._key = key.encode()
        # Signed with the key: log-ins outlive a restart, and end when the key is changed.
        self._signer = TimestampSigner(key, salt="sparrow.session")
        self._guesses = RateLimit(guesses_per_minute)

    def allows(self, headers: dict[str, str], origin: Origin) -> bool:
        """Whether the request has the key or a log-in's cookie; False where it has neither.

        Raises:
            RefusalError: see ``check_key``.
        """
        given = headers.get("x-api-key") or _bearer(headers.get("authorization", ""))
        if given:
            self.check_key(given.encode("latin-1"), origin)
            return True
        if self._has_session(headers.get("cookie", "")):
            return True
        metrics.refused.labels("no_key").inc()
        return False

    def check_key(self, given: bytes, origin: Origin) -> None:
        """Compare a client's key with the service's.

        Raises:
            RefusalError: 401, the key is wrong; 429, too many wrong keys from that address.
        """
        client = origin.client_network
        wait_s = self._guesses.peek_s(client)
        if wait_s > 0:
            metrics.refused.labels("guesses").inc()
            raise RefusalError(
                429,
                "too many wrong keys; try again in a minute",
                retry_after=max(1, math.ceil(wait_s)),
            )
        if hmac.compare_digest(given, self._key):
            return
        self._guesses.wait_s(client)
        metrics.refused.labels("wrong_key").inc()
        logger.warning("a wrong key", extra={"entry": {"client": origin.client}})
        raise RefusalError(401, "this is not the API key of this service")

    def session_cookie(self, origin: Origin) -> str:
        """Value of the Set-Cookie header after a log-in; it ends with the browser's session."""
        secure = "; Secure" if origin.scheme == "https" else ""
        value = self._signer.sign("in").decode()
        path = origin.root_path or "/"
        return f"{COOKIE}={value}; Path={path}; HttpOnly; SameSite=Lax{secure}"

    def _has_session(self, header: str) -> bool:
        try:
            value = cookie_parser(header).get(COOKIE, "")  # tolerates broken cookies of others
            return bool(self._signer.unsign(value, max_age=SESSION_SECONDS))
        except BadSignature:
            return False


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
