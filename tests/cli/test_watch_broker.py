"""``sparrow watch`` beside a slow camera, a real broker and a webhook, all of which go away."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import photo_writer
import pytest
from counted_folder import count
from server_process import free_port

pytestmark = pytest.mark.watch

PHOTOS = int(os.environ.get("SPARROW_WATCH_PHOTOS", "2000"))
AWAY_S = float(os.environ.get("SPARROW_BROKER_AWAY_S", "10"))
TOPIC = "sparrow/garden"
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


class Broker:
    """Debian's mosquitto, whose sessions outlive a restart."""

    def __init__(self, home: Path, *lines: str) -> None:
        home.mkdir()
        self.port = free_port()
        self._config = home / "mosquitto.conf"
        own = ["allow_anonymous true"] if not lines else []
        # Started by root it gives its rights away otherwise, and cannot write into this folder.
        self._config.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", "persistence true", "user root",
                       f"persistence_location {home}/", "max_queued_messages 0", *own, *lines, ""])
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Listener:
    """A subscriber with a session that lasts."""

    def __init__(self, port: int) -> None:
        from paho.mqtt import client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        self.photos: list[dict[str, Any]] = []
        self.retained: dict[str, Any] = {}
        self.availability: list[str] = []
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_message = self._take
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()
        until(self._client.is_connected, "the listener is connected")

    def _take(self, _client: object, _data: object, message: Any) -> None:
        text = message.payload.decode()
        if message.topic == f"{TOPIC}/photo":
            self.photos.append(json.loads(text))
        elif message.topic == f"{TOPIC}/availability":
            self.availability.append(text)
        else:
            self.retained[message.topic] = json.loads(text)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Hook:
    """A webhook that can be out of order."""

    def __init__(self) -> None:
        got, hook = [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if hook.works:
                    got.append(json.loads(body))
                self.send_response(204 if hook.works else 503)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.photos: list[dict[str, Any]] = got
        self.works = True
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/count"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def until(holds: Callable[[], bool], what: str, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def start_watch(
    home: Path, *arguments: Any, stderr: Any = None, **environment: str
) -> subprocess.Popen[bytes]:
    command = ["watch", home, "--settle", 1, "--every", 0.3, "--rewrite", 3, *arguments]
    return subprocess.Popen(
        [sys.executable, "-m", "sparrow.cli.main", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        env={**os.environ, **environment},
    )


def rows(to: Path) -> list[dict[str, str]]:
    if not to.exists():
        return []
    text = to.read_text(encoding="utf-8")
    assert text.endswith("\n"), "a row is not whole"
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker")
    yield broker
    broker.stop()


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


def test_every_photo_is_counted_once_and_told_whoever_is_killed(
    broker: Broker, hook: Hook, model_folder: Path, tmp_path: Path
) -> None:
    home, to = tmp_path / "garden", tmp_path / "counts.csv"
    home.mkdir()
    listener = Listener(broker.port)
    arguments = ["--to", to, "--visits", tmp_path / "visits.csv", "--model", model_folder,
                 "--mqtt", f"127.0.0.1:{broker.port}", "--webhook", hook.address]  # fmt: skip
    writer_command = [sys.executable, photo_writer.__file__, str(home), str(PHOTOS), "0.01"]
    watch = start_watch(home, *arguments)
    for part in (1, 2):  # both are killed at a third and at two thirds
        writer = subprocess.Popen(writer_command)
        until(lambda part=part: len(rows(to)) > PHOTOS * part // 4, "photos are counted")
        writer.kill()
        writer.wait()
        watch.kill()
        watch.wait()
        if part == 1:
            broker.stop()
            hook.works = False
            gone = time.monotonic()
        watch = start_watch(home, *arguments)
    writer = subprocess.Popen(writer_command)
    until(lambda: time.monotonic() > gone + AWAY_S, "the broker is away", AWAY_S + 5)
    broker.start()
    hook.works = True
    assert writer.wait() == 0

    until(lambda: len(rows(to)) >= PHOTOS, "all photos are in the table")
    for name, photos in (("mqtt", listener.photos), ("webhook", hook.photos)):
        until(lambda got=photos: len({p["id"] for p in got}) >= PHOTOS, f"all are told: {name}")
    watch.terminate()
    assert watch.wait(60) == 0
    until(lambda: listener.availability[-1] == "offline", "the watch takes leave", 5)
    listener.close()

    names = {str(photo_writer.final_name(home, n).relative_to(home)) for n in range(PHOTOS)}
    table = rows(to)
    assert Counter(row["file"] for row in table) == Counter(names)
    assert {row["error"] for row in table} == {""}
    check_told(table, listener.photos, "mqtt")
    check_told(table, hook.photos, "webhook")
    assert "offline" in listener.availability[:-1], "the last will of a watch that was killed"
    check_sensors(listener, table)
    # The numbers are those of `sparrow count`.
    again = tmp_path / "again.csv"
    assert count(model_folder, home, "-r", "--to", again) == 0
    of_count = {row["file"]: (row["count"], row["sha256"]) for row in rows(again)}
    assert {row["file"]: (row["count"], row["sha256"]) for row in table} == of_count


def check_told(table: list[dict[str, str]], got: list[dict[str, Any]], name: str) -> None:
    """Each photo of the table was told, in its order; what came twice has the same id."""
    first = list({photo["id"]: photo for photo in reversed(got)}.values())[::-1]
    print(f"{name}: {len(got)} messages about {len(first)} photos")
    assert len(got) - len(first) <= 8  # at each of the two kills and the broker's end at most some
    assert [photo["sha256"] for photo in first] == [row["sha256"] for row in table]
    assert [photo["count"] for photo in first] == [int(row["count"]) for row in table]


def check_sensors(listener: Listener, table: list[dict[str, str]]) -> None:
    state = listener.retained[f"{TOPIC}/state"]
    assert state["last"]["house_sparrow"] == int(table[-1]["count"])
    assert state["most_today"]["house_sparrow"] == max(int(row["count"]) for row in table)
    sensors = [topic for topic in listener.retained if topic.startswith("homeassistant/sensor/")]
    assert len(sensors) == 2
    assert {listener.retained[topic]["state_topic"] for topic in sensors} == {f"{TOPIC}/state"}


def test_a_broker_with_a_password_and_a_certificate(model_folder: Path, tmp_path: Path) -> None:
    passwords, key, certificate = (tmp_path / name for name in ("passwords", "key", "ca.pem"))
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "watcher", "s3cret"], check=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    broker = Broker(tmp_path / "broker", f"password_file {passwords}", f"certfile {certificate}",
                    f"keyfile {key}")  # fmt: skip
    home, to = tmp_path / "garden", tmp_path / "counts.csv"
    home.mkdir()
    photo_writer.write(home, 1, 0)
    place = f"localhost:{broker.port}"
    arguments = ["--to", to, "--model", model_folder, "--mqtt", place]
    got = tmp_path / "counts.csv.journal.mqtt"
    try:
        for more, password, words in (
            (["--mqtt-ca", certificate], "wrong", "refused: Not authorized"),
            (["--mqtt-tls"], "s3cret", "certificate verify failed"),
            (["--mqtt-ca", certificate], "s3cret", "connected"),
        ):
            said = (tmp_path / "said").open("w+")
            watch = start_watch(
                home, *arguments, *more, stderr=said,
                SPARROW_MQTT_USERNAME="watcher", SPARROW_MQTT_PASSWORD=password,
            )  # fmt: skip
            until(lambda words=words: words in (tmp_path / "said").read_text(), words, 30)
            if words == "connected":
                until(lambda: json.loads(got.read_text())["offset"] > 500, "the photo is told", 30)
            else:
                until(lambda: len(rows(to)) == 1, "counting does not wait for a broker", 30)
            watch.terminate()
            assert watch.wait(30) == 0
            said.close()
            assert "s3cret" not in (tmp_path / "said").read_text()
    finally:
        broker.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="mounts a disk of 1 MB")
def test_a_full_disk_is_said_and_nothing_is_lost_when_there_is_room(
    model_folder: Path, tmp_path: Path
) -> None:
    home, disk = tmp_path / "garden", tmp_path / "disk"
    home.mkdir()
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False)
    if mounted.returncode:
        pytest.skip("this container mounts nothing")
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1024**2 - 16 * 1024))
        for number in range(20):
            photo_writer.write(home, number, 0)
        said = (tmp_path / "said").open("w+")
        to = disk / "counts.csv"
        watch = start_watch(home, "--to", to, "--model", model_folder, stderr=said)
        until(lambda: "No space left" in (tmp_path / "said").read_text(), "it is said", 60)
        ballast.unlink()
        until(lambda: len(rows(to)) == 20, "all are counted", 180)
        watch.terminate()
        assert watch.wait(30) == 0
        assert len({row["sha256"] for row in rows(to)}) == 20
        said.close()
    finally:
        subprocess.run(["umount", disk], check=True)
