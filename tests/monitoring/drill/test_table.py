from __future__ import annotations

from monitoring.drill.repeat import Repetition
from monitoring.drill.table import Row, markdown


def row(*noticed: int | None, limit: int = 30) -> Row:
    found = tuple(Repetition(n, "empty" if n else "", before=False) for n in noticed)
    return Row("dead model", "all", limit, found, (True, True, True, False))


def test_a_row_counts_what_was_noticed_in_time() -> None:
    # 10, 20 and 40 were noticed, two of four within 30; the median of 10, 20, 40, never is 30.
    assert row(10, 20, 40, None).cells() == (
        "dead model", "all", "30", "50% within 30", "75% at 30", "empty 3",
    )  # fmt: skip


def test_what_is_mostly_missed_has_no_median() -> None:
    cells = row(10, None, None).cells()
    assert cells[2] == "not noticed"
    assert row(None).cells()[5] == "–"


def test_the_table_is_markdown() -> None:
    lines = markdown([row(10)]).splitlines()
    assert len(lines) == 3
    assert {line.count("|") for line in lines} == {7}
