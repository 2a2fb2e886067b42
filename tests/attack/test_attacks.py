"""`make test-attack`: everything an attacker sends to a real service, with and without a key.

An attack returns what went wrong. The last test runs them all a second time and holds memory and
descriptors against what the first pass left.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import page_attacks
import pytest
import request_attacks
import size_attacks
import stream_attacks
import upload_attacks
from attacked import Attacked

pytestmark = pytest.mark.attack

ATTACKS: tuple[Callable[[Attacked], list[str]], ...] = (
    request_attacks.needless_routes,
    request_attacks.foreign_hosts,
    request_attacks.random_paths,
    request_attacks.injected_forms,
    page_attacks.every_event_and_slot,
    page_attacks.odd_events,
    page_attacks.a_pipe_as_a_file,
    size_attacks.large_texts,
    size_attacks.one_upload_many_times,
    upload_attacks.broken_off_uploads,
    upload_attacks.refused_uploads,
    upload_attacks.half_sent_requests,
    upload_attacks.renewed_half_sent_bodies,
    size_attacks.many_small_files,
    size_attacks.large_uploads,
    stream_attacks.idle_streams,
    request_attacks.without_the_key,
)
GROWTH = 1.05


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_gains_nothing(service: Attacked, attack: Callable[[Attacked], list[str]]) -> None:
    service.passed.add(attack.__name__)
    troubles = attack(service)
    assert not troubles, f"{len(troubles)}:\n" + "\n".join(troubles[:40])


def test_a_second_pass_leaves_memory_and_descriptors_where_the_first_did(
    service: Attacked,
) -> None:
    """What a pass costs once (caches, pools, the largest body) it must not cost each time."""
    for attack in ATTACKS:
        if attack.__name__ not in service.passed:
            attack(service)
    first = _figures(service)
    for attack in ATTACKS:
        attack(service)
    second = _figures(service)
    print(f"after the first pass {first}, after the second {second}")
    assert second[0] <= first[0] * GROWTH, f"resident MB: {first[0]:.0f}, then {second[0]:.0f}"
    assert second[1] <= first[1] * GROWTH, f"descriptors: {first[1]}, then {second[1]}"


def _figures(service: Attacked) -> tuple[float, int]:
    """Resident MB and descriptors, at rest."""
    for _ in range(3):
        assert service.counts() is None
        time.sleep(2)
    return round(service.resident_mb(), 1), service.descriptors()
