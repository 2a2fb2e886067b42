"""Progress of a loop over many photos: a bar on a terminal, plain lines everywhere else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

Progress = Callable[[int, int], None]  # (done, in all), after every piece of work


def show_progress(
    verb: str, unit: str = "photos", *, to: TextIO | None = None, lines: bool = True
) -> Progress:
    """Tell how far a loop is; the same function serves several loops, one after the other.

    Args:
        verb: what is done with each: "measured" makes ``measured 20 of 200 photos``.
        unit: what is counted, in the plural.
        to: where it is written; standard output.
        lines: whether there is a line a tenth where ``to`` is no terminal; else nothing.
    """
    file = sys.stdout if to is None else to
    if file.isatty():
        return _bar(verb, unit, file)

    def line(done: int, total: int) -> None:
        if lines and (done == total or done % max(1, total // 10) == 0):
            print(f"{verb} {done} of {total} {unit}", file=file, flush=True)

    return line


def _bar(verb: str, unit: str, file: TextIO) -> Progress:
    from tqdm import tqdm  # never needed where there is no terminal

    shown: list[tqdm] = []

    def show(done: int, total: int) -> None:
        if shown and (done < shown[0].n or total != shown[0].total):
            shown.pop().close()  # the loop before broke off
        if not shown:
            # tqdm itself draws nothing where a terminal calls itself 0 columns wide (docker -t).
            size = shutil.get_terminal_size()
            shape = {"ncols": size.columns - 1, "nrows": size.lines}
            shown.append(tqdm(desc=verb, unit=f" {unit}", total=total, file=file, **shape))
        shown[0].update(done - shown[0].n)
        if done == total:
            shown.pop().close()

    return show
