"""Client, scheme, host and path of a request, as its visitor sees them.

Forwarding headers are used only where a configured reverse proxy sent them: uvicorn would trust any
process of this machine, and Gradio every client.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]  # Any: of ASGI, whose values have many types
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
MAX_PREFIX_LENGTH = 200
FORWARDING_HEADERS = (b"forwarded", b"x-real-ip")  # and all that begin with x-forwarded-


@dataclass(frozen=True)
class Origin:
    """Where a request comes from.

    Attributes:
        client: address of the visitor, as text; ``unknown`` over a Unix socket.
        scheme: http or https, as the visitor sees it.
        host: what the visitor's Host header says, with its port; may be empty.
        root_path: path of the service as the visitor sees it: empty, or ``/sparrow``.
    """

    client: str
    scheme: str
    host: str
    root_path: str

    @property
    def client_network(self) -> str:
        """The IPv4 address, or the /64 network of an IPv6 address, which one customer owns."""
        address = _address(self.client)
        if address is None:
            return self.client
        if address.version == 4:
            return str(address)
        return str(ipaddress.ip_network((address, 64), strict=False))


class Proxies:
    """Reads a request's origin from the headers of ``service.trusted_proxies``."""

    def __init__(self, trusted: Sequence[str], root_path: str) -> None:
        """``trusted``: addresses or networks; ``root_path``: where no proxy names another."""
        self._trusted = [ipaddress.ip_network(proxy, strict=False) for proxy in trusted]
        self._root_path = root_path

    def origin(self, scope: Scope) -> Origin:
        """The origin of a request; forwarding headers of an unknown sender are ignored."""
        peer = (scope.get("client") or ("",))[0] or "unknown"
        host, scheme = _last(scope, b"host"), scope.get("scheme", "http")
        if not self._is_trusted(peer):
            return Origin(peer, scheme, host, self._root_path)
        forwarded_scheme = _last(scope, b"x-forwarded-proto").lower()
        prefix = _last(scope, b"x-forwarded-prefix").rstrip("/")
        return Origin(
            client=self._visitor(peer, _all(scope, b"x-forwarded-for")),
            scheme=forwarded_scheme if forwarded_scheme in ("http", "https") else scheme,
            host=_last(scope, b"x-forwarded-host") or host,
            root_path=prefix if _is_prefix(prefix) else self._root_path,
        )

    def _visitor(self, peer: str, named: Sequence[str]) -> str:
        """The nearest address that is not one of the proxies'."""
        client = peer
        for text in reversed(named):
            address = _address(text)
            if address is None:  # written by an unknown sender, like all entries before it
                break
            client = str(address)
            if not self._is_trusted(client):
                break
        return client

    def _is_trusted(self, client: str) -> bool:
        address = _address(client)
        return address is not None and any(address in network for network in self._trusted)


def local_path(scope: Scope, root_path: str) -> str:
    """Path of a request below the service's root, whether or not the proxy removed the root."""
    path: str = scope["path"]
    if root_path and (path == root_path or path.startswith(root_path + "/")):
        return path[len(root_path) :] or "/"
    return path


def external_scope(scope: Scope, origin: Origin, path: str) -> Scope:
    """The request's ASGI scope as the visitor sent it, without forwarding headers."""
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name != b"host"
        and name not in FORWARDING_HEADERS
        and not name.startswith(b"x-forwarded-")
    ]
    headers.append((b"host", origin.host.encode("latin-1")))
    whole = origin.root_path + path
    return {
        **scope,
        "headers": headers,
        "client": (origin.client, 0),
        "scheme": origin.scheme,
        "root_path": origin.root_path,
        "path": whole,
        "raw_path": whole.encode("utf-8", "surrogateescape"),
    }


def is_known_host(host: str, allowed: Sequence[str]) -> bool:
    """Whether a Host header names this service.

    A page of another site that a browser sends here (DNS rebinding) has that site's name in it,
    never an address. So an address is known, and so are the machine's own names and ``allowed``:
    host names, ``*.example.org`` for all below it, ``*`` for any.
    """
    name = _without_port(host).lower().rstrip(".")
    if not name:
        return False
    if _address(name) is not None or name == "localhost" or name.endswith(".localhost"):
        return True
    for entry in allowed:
        known = entry.lower().rstrip(".")
        if known in ("*", name) or (known.startswith("*.") and name.endswith(known[1:])):
            return True
    return False


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rsplit(":", 1)[0] if host.count(":") == 1 else host


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Parse an address, with or without a port; an IPv4-mapped IPv6 address becomes IPv4."""
    try:
        address = ipaddress.ip_address(_without_port(text.strip()).partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_prefix(text: str) -> bool:
    return len(text) <= MAX_PREFIX_LENGTH and PREFIX.fullmatch(text) is not None


def _all(scope: Scope, name: bytes) -> list[str]:
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [part.strip() for line in lines for part in line.split(",") if part.strip()]


def _last(scope: Scope, name: bytes) -> str:
    """The last entry of a header, which the nearest proxy wrote; empty where there is none."""
    return (_all(scope, name) or [""])[-1]
