"""nginx and Caddy in front of a real service, configured by the very lines of the documentation."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacked import Attacked, attacked_service
from server_process import free_port

ROOT = Path(__file__).resolve().parents[2]

NAME = "sparrow.example.org"


@dataclass(frozen=True)
class Proxied:
    """A service and the proxy before it."""

    service: Attacked
    url: str  # of the page, with a slash at its end
    certificate: Path

    def client(self, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """A visitor at an address of this host."""
        trust = ssl.create_default_context(cafile=str(self.certificate))
        trust.check_hostname = False  # it is asked for by its address here
        transport = httpx.HTTPTransport(local_address=address, verify=trust)
        return httpx.Client(base_url=self.url, headers=headers, timeout=120, transport=transport)


class Behind:
    """Starts a service behind a proxy."""

    def __init__(self, model: Path, photo: bytes, factory: pytest.TempPathFactory) -> None:
        self._model, self._photo, self._factory = model, photo, factory
        self.certificate = factory.mktemp("certificate") / "own.pem"
        _make_certificate(self.certificate)

    @contextmanager
    def __call__(
        self,
        proxy: str,
        path: str = "/",
        *,
        tls: bool = True,
        key: bool = False,
        settings: dict[str, Any] | None = None,
    ) -> Iterator[Proxied]:
        """``proxy``: nginx or caddy; ``path``: where it shows the service."""
        believed = {
            "trusted_proxies": ["127.0.0.1"],
            "allowed_hosts": [NAME],
            "root_path": path.rstrip("/"),
            "upload_timeout_s": 30.0,
            **(settings or {}),
        }
        home = self._factory.mktemp("service")
        with attacked_service(home, self._model, self._photo, key=key, settings=believed) as it:
            port = free_port()
            folder = self._factory.mktemp(proxy)
            write = {"nginx": _nginx, "caddy": _caddy}[proxy]
            command = write(folder, port, it.port, path, self.certificate if tls else None)
            url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}"
            with _running(command, port, folder):
                yield Proxied(it, url, self.certificate)


def documented(language: str) -> str:
    """The documentation's configuration."""
    text = (ROOT / "docs" / "reverse-proxy.md").read_text()
    return text.split(f"```{language}\n")[1].split("```")[0]


def replaced(text: str, **changes: tuple[str, str]) -> str:
    """Each change, which must be possible."""
    for old, new in changes.values():
        assert old in text, f"the documentation has no {old!r}"
        text = text.replace(old, new)
    return text


def _nginx(
    folder: Path, port: int, service_port: int, path: str, certificate: Path | None
) -> list[str]:
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    server = replaced(
        documented("nginx"),
        port=("listen 443 ssl", f"listen 127.0.0.1:{port}{' ssl' if certificate else ''}"),
        name=(f"server_name {NAME}", f"server_name {NAME} 127.0.0.1"),
        service=("127.0.0.1:3000", f"127.0.0.1:{service_port}"),
        path=("location / {", f"location {path} {{"),
        pem=("/etc/ssl/certs/sparrow.pem", str(certificate)),
        key=("/etc/ssl/private/sparrow.key", str(certificate)),
    )
    if certificate is None:
        lines = server.splitlines()
        server = "\n".join(line for line in lines if "ssl_certificate" not in line)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temps = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{'user root;' if _is_root() else ''}\npid {folder}/pid; error_log {folder}/error.log;\n"
        "worker_processes 1; daemon off;\nevents {}\n"
        f"http {{\naccess_log off;\n{temps}{server}\n}}\n"
    )
    return [binary, "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _caddy(
    folder: Path, port: int, service_port: int, path: str, certificate: Path | None
) -> list[str]:
    server = replaced(
        documented("caddy"),
        name=(
            f"{NAME} {{",
            f"{'https' if certificate else 'http'}://127.0.0.1:{port} {{\n{_tls(certificate)}",
        ),
        service=("127.0.0.1:3000", f"127.0.0.1:{service_port}"),
        path=("handle {", f"handle {path}* {{"),
    )
    globals_ = f"{{\nadmin off\nauto_https off\nstorage file_system {folder}/store\n}}\n"
    (folder / "Caddyfile").write_text(globals_ + server)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _tls(certificate: Path | None) -> str:
    return f"tls {certificate} {certificate}" if certificate else ""


def _is_root() -> bool:
    return os.getuid() == 0


def _make_certificate(path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
         "-keyout", path.with_suffix(".key"), "-out", path],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".key").read_bytes())


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    with (folder / "out.txt").open("w") as output:
        proxy = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for _ in range(100):
            assert proxy.poll() is None, (folder / "out.txt").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        proxy.terminate()
        proxy.wait(30)
