"""The options of ``sparrow watch``, and what is refused before any work."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparrow.cli.count_options import add_tiles_option
from sparrow.visits.visits import VISIT_SECONDS

EVERY_S, SETTLE_S, REWRITE_S = 2.0, 5.0, 60.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add all options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder, with all folders in it")
    parser.add_argument(
        "--to", type=Path, metavar="FILE", required=True, help="counts as .csv, a row a photo"
    )
    parser.add_argument(
        "--match", default="*", metavar="PATTERN", help="names of photos, such as '*.jpg' (all)"
    )
    parser.add_argument("--visits", type=Path, metavar="FILE", help="visits, hours, days as .csv")
    parser.add_argument("--report", type=Path, metavar="FILE", help="all of it as one .html")
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder (the champion)")
    add_tiles_option(parser)
    _add_pace(parser)
    _add_visits(parser)
    _add_receivers(parser)


def check_options(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be done.

    Raises:
        ValueError: the option and what it expects.
    """
    if not arguments.folder.is_dir():
        raise ValueError(f"{arguments.folder}: expected a folder that is there")
    for option, suffix in (("to", ".csv"), ("visits", ".csv"), ("report", ".html")):
        path = getattr(arguments, option)
        if path is not None and path.suffix.lower() != suffix:
            raise ValueError(f"--{option} {path}: expected a name ending in {suffix}")
    for option in ("every", "settle", "rewrite", "visit_seconds"):
        if not getattr(arguments, option) >= 0:
            name = option.replace("_", "-")
            raise ValueError(f"--{name} {getattr(arguments, option)}: expected 0 or more")
    if arguments.report is not None:
        import sparrow.reports.templates  # noqa: F401 needs Jinja2, which bare counting does not
    if arguments.mqtt is not None:
        import paho.mqtt.client  # noqa: F401

        host_and_port(arguments.mqtt, 0)
    elif arguments.mqtt_tls or arguments.mqtt_ca is not None or arguments.name is not None:
        raise ValueError("--mqtt-tls, --mqtt-ca and --name need --mqtt HOST")


def host_and_port(text: str, default: int) -> tuple[str, int]:
    """``HOST`` or ``HOST:PORT``; an IPv6 address with a port is in brackets.

    Raises:
        ValueError: it is neither.
    """
    host, port = text, ""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not host or "/" in host or "@" in host or not (port == "" or port.isdecimal()):
        raise ValueError(
            f"--mqtt {text}: expected HOST or HOST:PORT; user and password are read from "
            "SPARROW_MQTT_USERNAME and SPARROW_MQTT_PASSWORD"
        )
    return host, int(port or default)


def _add_pace(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pace", "in seconds")
    group.add_argument(
        "--every",
        type=float,
        default=EVERY_S,
        metavar="N",
        help=f"from one look at the folder to the next, at least ({EVERY_S:g})",
    )
    group.add_argument(
        "--settle",
        type=float,
        default=SETTLE_S,
        metavar="N",
        help=f"for which a file has not changed when it is counted ({SETTLE_S:g})",
    )
    group.add_argument(
        "--rewrite",
        type=float,
        default=REWRITE_S,
        metavar="N",
        help=f"from one writing of visits and report to the next, at least ({REWRITE_S:g})",
    )


def _add_visits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("visits", "as with sparrow count")
    group.add_argument("--visit-seconds", type=float, default=VISIT_SECONDS, metavar="N")
    group.add_argument("--camera", choices=("auto", "folder", "exif"), default="auto")
    group.add_argument("--file-times", action="store_true")


def _add_receivers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "receivers", "each gets every photo, in order; while it is away they wait on the disk"
    )
    group.add_argument(
        "--webhook",
        metavar="URL",
        help="POST each photo's counts as JSON; an address that is a secret is better in "
        "SPARROW_WATCH_WEBHOOK",
    )
    group.add_argument(
        "--mqtt",
        metavar="HOST[:PORT]",
        help="publish them to a broker, with Home Assistant's discovery; SPARROW_MQTT_USERNAME and "
        "SPARROW_MQTT_PASSWORD are read from the environment",
    )
    group.add_argument("--mqtt-tls", action="store_true", help="encrypted, on port 8883")
    group.add_argument(
        "--mqtt-ca", type=Path, metavar="FILE", help="certificates (PEM) to check the broker by"
    )
    group.add_argument("--name", help="of the topics and the device (the folder's name)")
