"""Logging in: the page that asks for the key, and what becomes of it."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs

from service.access import Access
from service.exchange import Exchange
from service.refusal import RefusalError
from service.routes import PAGE

MAX_BYTES = 4096
HTML = "text/html; charset=utf-8"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sparrow: log in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{color-scheme: light dark}}
body {{font: 1rem/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh;
  margin: 0; padding: 1rem}}
form {{display: grid; gap: .8rem; width: min(22rem, 100%)}}
h1 {{margin: 0; font-size: 1.8rem}}
p {{margin: 0}}
input, button {{font: inherit; padding: .6rem .8rem; border-radius: .5rem;
  border: 1px solid GrayText}}
button {{background: #0f766e; color: white; border-color: #0f766e; cursor: pointer}}
[role=alert] {{color: #b91c1c; font-weight: 600}}
@media (prefers-color-scheme: dark) {{[role=alert] {{color: #fca5a5}}}}
</style></head>
<body><form method="post" action="login">
<h1>Sparrow</h1>
<p>This service counts for those who have its key.</p>
{alert}<input name="username" value="sparrow" autocomplete="username" hidden>
<label for="password">API key</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 autofocus>
<button>Log in</button>
</form></body></html>"""


async def show_login(exchange: Exchange) -> None:
    """Answer with the form."""
    await exchange.answer(200, _login_page(), HTML)


async def ask_for_key(exchange: Exchange) -> None:
    """Lead a person to the form; a program gets a sentence.

    Raises:
        RefusalError: that sentence, with 401.
    """
    if exchange.wants_page and exchange.route and exchange.route.name in (PAGE, "/docs"):
        await exchange.answer(303, more={"location": "login"})
        return
    raise RefusalError(401, "a valid API key is required, in the header X-API-Key")


async def log_in(access: Access | None, form: bytes, exchange: Exchange) -> None:
    """Answer to a sent form: a cookie for the right key, the form once more for a wrong one.

    Raises:
        RefusalError: 400, no such form; for a program also 401 and 429 of a wrong key.
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
    message = message[:1].upper() + message[1:]
    alert = f'<p role="alert">{escape(message)}.</p>\n' if message else ""
    return _PAGE.format(alert=alert).encode()


def _read_password(form: bytes) -> bytes:
    try:
        fields = parse_qs(form.decode("ascii"), max_num_fields=8)
        return fields["password"][0].encode("utf-8", "surrogateescape")
    except (ValueError, KeyError):
        raise RefusalError(400, "expected a form with the field password") from None
