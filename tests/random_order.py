"""The order of the tests: random by a seed that is printed, with the long files first.

pytest-randomly shuffles the files, and the tests in each. It seeds ``random`` and NumPy before each
test too, so a test that draws from them draws the same again with the same seed. On two cores a
long file that begins last leaves one core idle: files with a test marked ``slow`` come first, those
that run the flow before all others.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)  # after the shuffle, and after -m and -k chose
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort stably: flows, then other files with a slow test, then the rest."""
    long = {item.path for item in items if item.get_closest_marker("slow")}
    flows = {path for path in long if path.parent.name == "flows"}
    items.sort(key=lambda item: (item.path not in flows, item.path not in long))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the seed below the failures: the header is far above them."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None and any(terminalreporter.stats.get(end) for end in ("failed", "error")):
        terminalreporter.write_line(f"The same order again: ARGS=--randomly-seed={seed}")
