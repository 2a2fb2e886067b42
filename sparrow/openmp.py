"""How the threads of torch wait for one another. Call before torch is imported."""

from __future__ import annotations

import os


def wait_without_spinning() -> None:
    """Let a thread that waits for another give its core away; a value the user has set stays.

    OpenMP's threads spin while they wait. Beside other work that takes the core from the thread
    that they wait for: measured at load 7 on two cores, convolutions with two threads ran 5.5 times
    as fast without (docs/benchmarks.md).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
