"""``sparrow watch``: counts the photos of a folder that a camera fills, as they arrive."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sparrow.cli.count_journal import Journal, journal_path
from sparrow.cli.count_photos import Wanted
from sparrow.cli.count_table import refuse_other_table
from sparrow.cli.counted_folder import VisitOptions
from sparrow.cli.project import champion_path
from sparrow.cli.watch_champion import Champion
from sparrow.cli.watch_delivery import Delivery, Receiver
from sparrow.cli.watch_folder import Source, list_files
from sparrow.cli.watch_home_assistant import Topics, name_of
from sparrow.cli.watch_loop import Pace, Watch
from sparrow.cli.watch_message import Messages
from sparrow.cli.watch_options import add_options, check_options, host_and_port
from sparrow.cli.watch_photos import CountedPhotos
from sparrow.cli.watch_queue import Queue
from sparrow.cli.watch_tables import Outputs, Tables
from sparrow.cli.watch_webhook import Webhook

WEBHOOK_VARIABLE = "SPARROW_WATCH_WEBHOOK"  # its address may hold a secret
_RECEIVERS = ("webhook", "mqtt")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "watch",
        help="count photos as they arrive in a folder",
        description="Count the photos of a folder that a camera fills, as they arrive, until it is "
        "ended (Ctrl-C, SIGTERM). Started again with the same --to, it goes on where it was.",
    )
    add_options(parser)
    parser.set_defaults(func=watch)


def watch(arguments: argparse.Namespace) -> int:
    """Count until ended; 0 then, 1 where a fault of this program ended it."""
    check_options(arguments)
    home = Path(os.path.realpath(arguments.folder))
    champion = Champion(champion_path(arguments.model))
    info = champion.counter.info
    options = VisitOptions(arguments.visit_seconds, arguments.camera, arguments.file_times)
    outputs = Outputs(arguments.to, arguments.visits, arguments.report, options)
    source = Source(home, _own_files(outputs), arguments.match)
    with ExitStack() as stack:
        journal = _open_journal(arguments.to, info.class_names, source)
        stack.callback(journal.close)
        if journal.restarted:
            print(f"the journal is {journal.restarted}; counting all photos", file=sys.stderr)
        photos = CountedPhotos(journal)
        tables = Tables(outputs, photos, home, champion)
        pace = Pace(arguments.every, arguments.settle, arguments.rewrite)
        watching = Watch(source, champion, tables, pace, Wanted(tiles=arguments.tiles))
        _end_on_signals(watching, stack)
        for receiver in _receivers(arguments, home, info.class_names):
            queue = Queue(journal_path(arguments.to), receiver.name)
            messages = Messages(home, info.class_names, options)
            stack.callback(Delivery(queue, receiver, messages, watching.fail).close)
        print(f"watching {home}; {len(photos)} photos are known", file=sys.stderr, flush=True)
        watching.run()
    return 1 if watching.failed else 0


def _own_files(outputs: Outputs) -> frozenset[str]:
    """Absolute paths of what is written, which are no photos and are skipped without a word."""
    journal = journal_path(outputs.to)
    files = [outputs.to, journal, *(Path(f"{journal}.{name}") for name in _RECEIVERS)]
    files += [path for path in (outputs.visits, outputs.report) if path is not None]
    return frozenset(os.path.realpath(path) for path in files)


def _open_journal(to: Path, class_names: Sequence[str], source: Source) -> Journal:
    """The journal of all that this table holds, whichever models counted it.

    Raises:
        ValueError: it is of a model with other classes, or the table is of other photos.
    """
    kind = f"watch {json.dumps(list(class_names))}"
    path = journal_path(to)
    before = _model_in(path)
    if before is not None and before.startswith("watch ") and before != kind:
        raise ValueError(
            f"--to {to}: its columns are those of the classes "
            f"{', '.join(json.loads(before.removeprefix('watch ')))}, and the model finds "
            f"{', '.join(class_names)}; choose another --to"
        )
    if before != kind:  # a table without its journal is overwritten by one of its own photos only
        refuse_other_table(to, [Path(file) for file in list_files(source).files])
    return Journal(to, kind)


def _model_in(journal: Path) -> str | None:
    """What the journal's first line says about the model; None where that cannot be read."""
    try:
        with journal.open("rb") as file:
            return str(json.loads(file.readline())["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _end_on_signals(watching: Watch, stack: ExitStack) -> None:
    """End after the photo that is being counted; a second Ctrl-C ends at once."""

    def end(number: int, _frame: object) -> None:
        if watching.stopping.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        watching.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        stack.callback(signal.signal, number, signal.signal(number, end))


def _receivers(
    arguments: argparse.Namespace, home: Path, class_names: tuple[str, ...]
) -> list[Receiver]:
    receivers: list[Receiver] = []
    address = arguments.webhook or os.environ.get(WEBHOOK_VARIABLE, "").strip()
    if address:
        receivers.append(Webhook(address, "--webhook" if arguments.webhook else WEBHOOK_VARIABLE))
    if arguments.mqtt is not None:
        receivers.append(_mqtt(arguments, home, class_names))
    return receivers


def _mqtt(arguments: argparse.Namespace, home: Path, class_names: tuple[str, ...]) -> Receiver:
    from sparrow.cli.watch_mqtt import PORT, TLS_PORT, Broker, Mqtt

    tls = arguments.mqtt_tls or arguments.mqtt_ca is not None
    host, port = host_and_port(arguments.mqtt, TLS_PORT if tls else PORT)
    user, password = (os.environ.get(f"SPARROW_MQTT_{x}") for x in ("USERNAME", "PASSWORD"))
    broker = Broker(host, port, tls, arguments.mqtt_ca, user, password)
    topics = Topics(name_of(arguments.name or home.name))
    where = f"{home}\n{os.path.realpath(arguments.to)}".encode("utf-8", "surrogateescape")
    client = f"sparrow_{topics.name}_{hashlib.sha256(where).hexdigest()[:8]}"
    return Mqtt(broker, topics, class_names, client)
