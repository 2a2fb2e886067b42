"""The log-in page, and the answers to requests without a key."""

from __future__ import annotations

from urllib.parse import parse_qs

from service.access import Access
from service.exchange import Exchange
from service.refusal import RefusalError
from service.routes import PAGE
from sparrow.reports.templates import render

MAX_BYTES = 4096
HTML = "text/html; charset=utf-8"


async def show_login(exchange: Exchange) -> None:
    """Answer with the log-in page."""
    await exchange.answer(200, _login_page(), HTML)


async def ask_for_key(exchange: Exchange) -> None:
    """Redirect a person's browser to the log-in page.

    Raises:
        RefusalError: 401, for a program.
    """
    if exchange.wants_page and exchange.route and exchange.route.name in (PAGE, "/docs"):
        await exchange.answer(303, more={"location": "login"})
        return
    raise RefusalError(401, "a valid API key is required, in the header X-API-Key")


async def log_in(access: Access | None, form: bytes, exchange: Exchange) -> None:
    """Answer a sent form: a cookie for the right key, the log-in page again for a wrong one.

    Raises:
        RefusalError: 400, no such form; for a program also 401 and 429, see ``Access.check_key``.
    """
    headers = {}
    if access is not None:
        try:
            access.check_key(_read_password(form), exchange.origin)
        except RefusalError as refusal:
            if not exchange.wants_page:
                raise
            await exchange.answer(refusal.status, _login_page(str(refusal)), HTML, refusal.headers)
            return
        headers["set-cookie"] = access.session_cookie(exchange.origin)
    if exchange.wants_page:
        await exchange.answer(303, more={"location": "./", **headers})
    else:
        await exchange.answer(200, b'{"success": true}', more=headers)


def _login_page(message: str = "") -> bytes:
    return render("login.html", message=message[:1].upper() + message[1:]).encode()


def _read_password(form: bytes) -> bytes:
    try:
        fields = parse_qs(form.decode("ascii"), max_num_fields=8)
        return fields["password"][0].encode("utf-8", "surrogateescape")
    except (ValueError, KeyError):
        raise RefusalError(400, "expected a form with the field password") from None
