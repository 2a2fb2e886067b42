"""An archive's shards on Ray Data: actors with a model of their own, as many as the cluster has.

A shard is a row; its photos never travel through Ray. An actor or a node that is lost is replaced,
and its shard counted anew. Sparrow has to be installed on every node, and what opens the stores has
to be in each node's environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from sparrow.cli.archive_shard import ShardCounter
from sparrow.progress import show_progress
from sparrow.storage.object_store import StoreError


class RayShardCounter:
    """An actor: counts the shards that it is given, one after the other."""

    def __init__(self, address: str) -> None:
        """Arguments and errors as of ``ShardCounter``."""
        self._counter = ShardCounter(address)

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:  # arrays of numpy, by Ray
        """Count a batch of shards."""
        return {"photos": [self._counter.count(str(shard)) for shard in rows["shard"]]}


def count_with_ray(address: str, shards: Sequence[str], most: int | None) -> None:
    """Count shards on the cluster that RAY_ADDRESS names, else on this machine alone.

    Args:
        address: of the plan.
        shards: those that are not counted yet.
        most: actors at the same time, each on a core; None takes all that the cluster has.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        StoreError: a shard could not be counted, with the reason; others were.
    """
    if not shards:
        return
    import ray

    ray.init(ignore_reinit_error=True, log_to_driver=False)
    counted = _counted(address, shards, most or len(shards))
    show = show_progress("counted", "shards", to=sys.stderr)
    try:
        for number, _ in enumerate(counted.iter_rows(), 1):
            show(number, len(shards))
    except ray.exceptions.RayError as error:
        raise StoreError(
            f"Ray did not count all shards: {_reason(str(error))}. Those that are counted are "
            "kept; start again to go on"
        ) from error


def _counted(address: str, shards: Sequence[str], most: int) -> Any:  # a Dataset of Ray's
    """A row a shard, once it is counted."""
    import ray
    from ray.data import ActorPoolStrategy

    rows = ray.data.from_items([{"shard": s} for s in shards], override_num_blocks=len(shards))
    # One shard waits at each actor: where none waits, Ray adds no actor.
    actors = ActorPoolStrategy(
        min_size=1,
        max_size=min(len(shards), most),
        max_tasks_in_flight_per_actor=2,
    )
    return rows.map_batches(
        RayShardCounter, fn_constructor_args=(address,), batch_size=1, num_cpus=1, compute=actors
    )


def _reason(text: str) -> str:
    """What an actor raised, in the text of all that Ray says of it."""
    lines = [line.strip() for line in text.strip().splitlines()]
    own = [line.partition(": ")[2] for line in lines if line.startswith("sparrow.")]
    return (own or lines)[0]
