"""Work in a process of its own that is killed (SIGKILL) just before a chosen file operation."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

# Audit events of Python's that touch files, in this process or by way of C.
WATCHED = (
    "open",
    "os.rename",
    "os.link",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "shutil.",
    "ctypes.",
)


def in_child(work: Callable[[], object], kill_at: int | None) -> tuple[bool, int]:
    """Do the work in a forked process.

    Args:
        work: called in it.
        kill_at: the number of the file operation before which it is killed, from 1; None lets it
            end.

    Returns:
        Whether it was killed before its end, and how many file operations it began if it was not.

    Raises:
        SystemExit: the work failed by itself; its traceback is on stderr.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _work_watched(work, kill_at, writer)
    os.close(writer)
    _, status = os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        operations = int(pipe.read() or 0)
    if status and not os.WIFSIGNALED(status):
        raise SystemExit("the work failed; see above")
    return os.WIFSIGNALED(status), operations


def _work_watched(work: Callable[[], object], kill_at: int | None, writer: int) -> None:
    operations = 0

    def watch(event: str, _: tuple[object, ...]) -> None:
        nonlocal operations
        if event.startswith(WATCHED):
            operations += 1
            if kill_at is not None and operations >= kill_at:  # several threads count
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    status = 1
    try:
        work()
        os.write(writer, str(operations).encode())
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
