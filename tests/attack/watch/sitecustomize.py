"""Runs in every process of the attacked service: what it looks up, connects to and opens is noted.

Python imports a module of this name when it starts. A look-up or a connection that leaves this
host is refused as well, so that an attack that works does no harm.
"""

import os
import sys
from importlib.abc import MetaPathFinder
from importlib.util import find_spec

_report = os.open(os.environ["ATTACK_REPORT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
_bait = os.environ["ATTACK_BAIT"]
_busy = False


def _watch(event, args):
    global _busy
    if _busy or not event.startswith(("open", "socket.")):
        return
    _busy = True  # what is done here raises events too
    try:
        _check_event(event, args)
    finally:
        _busy = False


def _check_event(event, args):
    if event == "open":
        if isinstance(args[0], str | bytes) and _bait in os.fsdecode(args[0]):
            os.write(_report, f"open {os.fsdecode(args[0])!r}\n".encode())
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        _note(event, args[:2])
    elif event == "socket.connect" and isinstance(args[1], tuple):
        _note(event, args[1])


def _note(event, target):
    os.write(_report, f"{event} {tuple(target[:2])!r}\n".encode())
    host = target[0].decode() if isinstance(target[0], bytes) else str(target[0])
    if host not in ("127.0.0.1", "::1", "localhost", "", "None", "0.0.0.0"):
        raise OSError(f"{host}: an attacked service may only speak to its own host")


class _WatchUvloop(MetaPathFinder):
    """libuv connects and looks up without Python's events; so its loop's methods are watched."""

    def find_spec(self, name, path=None, target=None):
        if name != "uvloop":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_watch(module):
            execute(module)
            loop = module.Loop
            connect, look_up = loop.create_connection, loop.getaddrinfo

            async def create_connection(self, factory, host=None, port=None, **more):
                if host is not None:
                    _note("create_connection", (host, port))
                return await connect(self, factory, host, port, **more)

            async def getaddrinfo(self, host, port, **more):
                _note("getaddrinfo", (host, port))
                return await look_up(self, host, port, **more)

            loop.create_connection, loop.getaddrinfo = create_connection, getaddrinfo

        spec.loader.exec_module = execute_and_watch
        return spec


sys.meta_path.insert(0, _WatchUvloop())
sys.addaudithook(_watch)
