"""What not every operating system has, and what is done without it: the only place that asks.

Locks of one process are ``filelock``'s, which knows every system. Nothing else here is needed to
count photos, to serve the page or to work with data.
"""

from __future__ import annotations

import ctypes
import errno
import getpass
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import pwd
except ImportError:  # Windows
    pwd = None  # type: ignore[assignment]
try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Without O_NONBLOCK, opening a pipe waits for its other end. O_BINARY is Windows' own.
READ_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    READ_FLAGS |= getattr(os, _name, 0)

_DESCRIPTOR_FOLDERS = ("/proc/self/fd", "/dev/fd")  # Linux; macOS
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_KEPT_BYTES = 256 * 1024**2  # the pixels of 48 megapixels, and once more as they are turned


def usable_cores() -> int:
    """Processor cores that this process may use; all of the machine where the system tells no more.

    A container, or ``taskset``, may leave a process fewer than the machine has.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def hold_together(descriptor: int) -> None:
    """Hold an open file's lock together with other processes, until it is closed.

    ``filelock.lock_descriptor`` takes the same lock alone, and so tells whether anybody holds it.

    Raises:
        OSError: the system has no such lock; those who train need it, so training needs Linux or
            macOS.
    """
    if fcntl is None:
        said = "this system has no lock that processes share; training needs Linux or macOS"
        raise OSError(errno.ENOTSUP, said)
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def flush_to_disk(path: Path) -> None:
    """Bring a file's bytes, or a folder's names, onto the disk before this returns.

    Windows opens no folder; its file system writes names down by itself.

    Raises:
        OSError: it is not there, or the disk refuses.
    """
    if not hasattr(os, "O_DIRECTORY"):
        if path.is_dir():
            return
        handle = os.open(path, os.O_RDWR)  # Windows flushes only what may be written to
    else:
        handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hard_link(source: str | Path, target: str | Path) -> None:
    """A second name of a file; where ``source`` is a symbolic link, of the link itself.

    Windows knows no name of a link: there it is one of the file that the link leads to.

    Raises:
        OSError: the file system has no such links, or ``target`` is there.
    """
    if os.link in os.supports_follow_symlinks:
        os.link(source, target, follow_symlinks=False)
    else:
        os.link(source, target)


def replace_link(link: Path, target: Path, partial: Path) -> None:
    """Let a symbolic link lead to ``target``: whoever reads it sees the old target or the new one.

    Args:
        link: to make, or to replace.
        target: what it leads to, as it is written in the link.
        partial: a name in the same folder, under which it is made first.

    Raises:
        OSError: something other than a link is in its place, or the system makes none (Windows does
            for administrators and in its developer mode).
    """
    partial.unlink(missing_ok=True)
    partial.symlink_to(target, target_is_directory=(link.parent / target).is_dir())
    partial.replace(link)


def exchange(a: Path, b: Path) -> bool:
    """Swap two folders in one step; False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    paths = os.fsencode(a), os.fsencode(b)
    done = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    return bool(done == 0)


def account_name() -> str | None:
    """The name of the account that this process runs under; None where it has none."""
    if pwd is None or not hasattr(os, "getuid"):
        return os.environ.get("USERNAME")  # as Windows names it
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return None


def user_name() -> str:
    """Who is at work, for a log: by the environment, the account, or a number."""
    with suppress(ImportError, KeyError, OSError):  # what is raised depends on Python's version
        return getpass.getuser()
    return f"user {os.getuid()}" if hasattr(os, "getuid") else "a user without a name"


def raise_descriptor_limit(needed: int) -> int:
    """Let this process open that many files and sockets, or as many as it may.

    Returns:
        How many it may open now; ``needed`` where the system sets no limit that can be asked for.
    """
    if resource is None:
        return needed
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def keep_freed_memory() -> bool:
    """Let this process keep memory that it frees for what it takes next; False where it cannot.

    For work that takes and frees megabytes over and over, as for the pixels of photo after photo:
    glibc gives them back each time, and the kernel clears every page anew. Where the environment
    says how memory is allocated (``MALLOC_…``), that stays.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return False
    if not sys.platform.startswith("linux") or os.confstr("CS_GNU_LIBC_VERSION") is None:
        return False
    libc = ctypes.CDLL(None)
    settings = (_M_MMAP_THRESHOLD, _KEPT_BYTES // 2), (_M_TRIM_THRESHOLD, _KEPT_BYTES)
    return all(libc.mallopt(*setting) == 1 for setting in settings)


def open_descriptors() -> list[int]:
    """The numbers of what this process has open; none where the system does not list them."""
    for folder in _DESCRIPTOR_FOLDERS:
        with suppress(OSError):
            return sorted(int(name) for name in os.listdir(folder))
    return []


def start_apart(
    command: Sequence[str], output: IO[bytes], environment: Mapping[str, str], held: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start a program that goes on when this process ends, and that keeps a lock's file open.

    Args:
        command: the program and its arguments.
        output: what it writes goes here.
        environment: all of its environment.
        held: a file whose lock it holds on to, as long as it runs.
    """
    return subprocess.Popen(  # noqa: S603 the caller's own command
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environment,
        start_new_session=True,
        pass_fds=(held.fileno(),),
    )
