"""Git's post-checkout hook: says when pointer and data differ. Only a command installs it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.data.errors import DataError, as_data_errors

NAME = "post-checkout"
MARK = "# of `sparrow data hook`"
# Git hands on 1 where a branch or commit was checked out, 0 where only files were.
_HEAD = f"""#!/bin/sh
# Says when the data is not what the commit works with. To be rid of it, delete this file.
{MARK}
[ "$3" = 1 ] || exit 0
"""


def install_hook(config: Path, folder: Path) -> Path:
    """Write the hook of the repository around ``folder``, or add a config's line to it.

    The hook never makes a checkout fail, and says nothing where Sparrow is gone.

    Args:
        config: the config whose set is watched.
        folder: any in the working tree.

    Returns:
        The hook's path.

    Raises:
        DataError: no repository, or a hook of somebody else's, which stays as it is.
    """
    top = Path(_git(folder, "rev-parse", "--show-toplevel"))
    hook = folder / _git(folder, "rev-parse", "--git-path", f"hooks/{NAME}")
    line = _line(config, top)
    text = _HEAD
    with as_data_errors("the hook cannot be written", hook):
        if hook.exists():
            text = hook.read_text(encoding="utf-8")
        if MARK not in text:
            raise DataError(f"{hook}: this hook is not Sparrow's. Add to it:\n{line}")
        if line not in text:
            hook.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(hook, text + line)
        hook.chmod(0o755)
    return hook


def _line(config: Path, top: Path) -> str:
    """The hook's command: quick, silent where all is well; git runs it in the top folder."""
    config, top = config.resolve(), top.resolve()
    name = config.relative_to(top) if config.is_relative_to(top) else config
    python = shlex.quote(Path(sys.executable).as_posix())
    command = f"-m sparrow.cli.main data status --quick --config {shlex.quote(name.as_posix())}"
    return f"[ ! -x {python} ] || {python} {command} || true\n"


def _git(folder: Path, *arguments: str) -> str:
    try:
        # The user's own git, asked without a shell.
        done = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise DataError(f"git cannot be run: {error.strerror or error}") from error
    if done.returncode:
        raise DataError(f"{folder.resolve()}: git says: {done.stderr.strip()}")
    return done.stdout.strip()
