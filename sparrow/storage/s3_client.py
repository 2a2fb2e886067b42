"""The client of S3 of ``object_store``: where the server is, and how long it is waited for."""

from __future__ import annotations

import os

import pyarrow.fs as fs

ATTEMPTS = 4  # of a request to a server, with growing pauses
CONNECT_SECONDS = 10.0


def endpoint() -> str:
    """The server's address as AWS's own programs read it; empty for Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def s3_filesystem() -> fs.S3FileSystem:
    """A client with the credentials and the server that the environment names."""
    scheme, _, server = endpoint().rstrip("/").rpartition("://")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return fs.S3FileSystem(
        scheme=scheme or "https",
        endpoint_override=server or None,
        region=region or ("us-east-1" if server else None),
        connect_timeout=CONNECT_SECONDS,
        # A small object is one request, and its fault is raised where it is written.
        allow_delayed_open=True,
        background_writes=False,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
