"""A flow whose last step decides the exit status of the command that runs it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

EXIT_FILE = "SPARROW_FLOW_EXIT"  # where the last step, a process of its own, leaves the status


def leave_exit_status(status: int) -> None:
    """Leave the status to the process that runs the flow; nothing where a scheduler does."""
    if named := os.environ.get(EXIT_FILE):
        Path(named).write_text(str(status), encoding="utf-8")


def run_with_exit_status(flow: Callable[[], object]) -> None:
    """Run a flow; one that ends exits with its status in place of Metaflow's 0.

    Args:
        flow: its class, which Metaflow runs as the command line says.
    """
    with tempfile.TemporaryDirectory() as folder:
        exit_file = Path(folder) / "status"
        os.environ[EXIT_FILE] = str(exit_file)
        try:
            flow()
        except SystemExit as done:
            if done.code or not exit_file.is_file():
                raise
        sys.exit(int(exit_file.read_text(encoding="utf-8")))
