"""The service and its limits."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sparrow.config.base import Count, Section, Unit


class ServiceConfig(Section):
    """The service and its page."""

    host: str = "127.0.0.1"  # address to listen at; 0.0.0.0: every address of this machine
    # Host headers to answer beside addresses and localhost: names, *.example.org, or * for any.
    allowed_hosts: tuple[str, ...] = ()
    # Addresses or networks of reverse proxies, whose X-Forwarded-For, -Proto, -Host and -Prefix
    # are believed; anybody else's are not. The proxy must set all four (docs/reverse-proxy.md).
    trusted_proxies: tuple[str, ...] = ()
    root_path: str = ""  # path at which a reverse proxy shows the service, such as /sparrow
    logins_per_minute: Count = 10  # wrong keys of one address; more are refused unread
    max_photos: Count = 32  # per request
    max_request_mb: Annotated[float, Field(gt=0)] = 64.0
    max_pixels: Count = 50_000_000  # of one photo
    threads: Count = 2  # photos counted at the same time, each on one core
    # Processes that count in place of the threads, each with its own copy of the model; 0: none.
    workers: Annotated[int, Field(ge=0)] = 0
    # Whether small objects are looked for in tiles of large photos, too: none, auto, or the side in
    # pixels of the smallest. The page begins with it, and offers auto where it is none. A photo of
    # 12 megapixels then takes half a minute of a core.
    tiles: Literal["none", "auto"] | Count = "none"
    max_tiles: Annotated[int, Field(ge=0)] = 300  # of one photo; 0: none for anybody
    max_queue: Count = 64  # whole requests waiting or being counted; one more gets a 503
    # Of the bodies of all requests, half of it of one client; beyond it: a 503. null: as much as
    # four of the largest requests.
    max_waiting_mb: Annotated[float, Field(gt=0)] | None = None
    max_connections: Count = 512  # of more, those that ask for nothing are closed
    max_streams: Count = 256  # open pages, each of which listens for what becomes of its photos
    # Visitors' photos, kept for an hour; one visitor gets half: 200 phone photos are about 800 MB.
    page_files_mb: Annotated[float, Field(gt=0)] = 4000.0
    # A folder of this machine whose photos anybody on the page may count and see by their path;
    # nothing outside it can be reached. null: none.
    page_folder: str | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 60.0  # for one request; longer is a 504
    upload_timeout_s: Annotated[float, Field(gt=0)] = 30.0  # for its body to arrive; else a 408
    require_api_key: bool = False  # the key itself is the environment variable SPARROW_API_KEY
    requests_per_minute: Count | None = None  # to the API, of one address; null: no limit
    cors_origins: tuple[str, ...] = ()  # other sites whose pages may call the API
    keep_fraction: Unit = 0.0  # of the photos sent, kept as files for review; 0 keeps none
    keep_agreed: bool = True  # and those that a person on the page agrees to have kept
    keep_folder: str = ".sparrow/photos"
    # Where rows wait that the prediction log cannot take; null: beside an SQLite log, or .sparrow.
    spill_folder: str | None = None
    keep_photos: Count = 1000  # at most so many; the oldest go first
    keep_mb: Annotated[float, Field(gt=0)] = 8000.0  # all of them together
    keep_days: Count = 30  # none longer

    @model_validator(mode="after")
    def _one_request_fits(self) -> Self:
        if self.max_waiting_mb is not None and self.max_waiting_mb < 2 * self.max_request_mb:
            raise ValueError(
                f"max_waiting_mb ({self.max_waiting_mb:g}) must be at least twice max_request_mb "
                f"({self.max_request_mb:g}): one client gets half of it"
            )
        return self

    @model_validator(mode="after")
    def _addresses_are_such(self) -> Self:
        for proxy in self.trusted_proxies:
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                raise ValueError(
                    f"trusted_proxies: expected addresses or networks such as 10.0.0.0/8, "
                    f"found {proxy!r}"
                ) from None
        if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*", self.root_path):
            raise ValueError(
                f"root_path: expected a path such as /sparrow, without a slash at its end, "
                f"found {self.root_path!r}"
            )
        return self
