"""Reading of bodies: the limits of each, and of all together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.body import MAX_READING_OF_A_CLIENT, Body, BodyBudget, BodyLimits
from service.refusal import RefusalError


def body(*messages: dict[str, Any], **limits: Any) -> Body:
    rest = list(messages)

    async def receive() -> dict[str, Any]:
        if rest:
            return rest.pop(0)
        await asyncio.sleep(60)  # a client that sends no more
        raise AssertionError

    given = BodyLimits(
        max_bytes=10,
        max_seconds=limits.get("max_seconds", 0.1),
        budget=limits.get("budget") or BodyBudget(1000),
    )
    return Body(receive, "client", given, declared_bytes=limits.get("declared_bytes"))


def piece(content: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


def test_an_empty_body_is_one() -> None:
    assert asyncio.run(body(piece(b"", more=False)).whole()) == b""


def test_pieces_are_put_together() -> None:
    assert asyncio.run(body(piece(b"ab"), piece(b"c", more=False)).whole()) == b"abc"


@pytest.mark.parametrize(
    ("messages", "limits", "status"),
    [
        ([piece(b"x")], {"declared_bytes": 11}, 413),  # it says so itself: nothing is read
        ([piece(b"x" * 6), piece(b"x" * 6)], {}, 413),
        ([piece(b"x")], {}, 408),
        ([piece(b"x"), {"type": "http.disconnect"}], {}, 499),
        ([piece(b"x" * 9)], {"budget": BodyBudget(16)}, 503),
    ],
)
def test_a_body_that_is_not_taken(messages: Any, limits: Any, status: int) -> None:
    with pytest.raises(RefusalError) as refused:
        asyncio.run(body(*messages, **limits).whole())
    assert refused.value.status == status


def test_one_client_gets_half_of_the_memory_and_all_get_all() -> None:
    budget = BodyBudget(100)
    budget.take("a", 50)
    with pytest.raises(RefusalError, match="memory"):
        budget.take("a", 1)
    budget.take("b", 50)
    with pytest.raises(RefusalError, match="memory"):
        budget.take("c", 1)
    budget.give_back("a", 50)
    budget.take("c", 50)


def test_one_client_sends_so_many_bodies_at_a_time() -> None:
    async def stall(budget: BodyBudget) -> list[int]:
        bodies = [
            body(piece(b"x"), budget=budget, max_seconds=0.3)
            for _ in range(MAX_READING_OF_A_CLIENT + 3)
        ]
        ended = await asyncio.gather(*(each.whole() for each in bodies), return_exceptions=True)
        return sorted(error.status for error in ended if isinstance(error, RefusalError))

    assert asyncio.run(stall(BodyBudget(1000))) == [408] * MAX_READING_OF_A_CLIENT + [503] * 3
