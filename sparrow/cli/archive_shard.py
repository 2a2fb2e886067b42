"""One shard of an archive's count: photos in, entries out, as one object that is there or is not.

Photos are read ahead of the processes that count them, few at a time. Each photo is counted in a
process of its own, so that one which takes that process down is an entry like another.
"""

from __future__ import annotations

import json
import queue
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sparrow.cli.archive_plan import Plan, counts_key, read_plan
from sparrow.cli.archive_source import ArchivedPhoto, ReadPhoto, open_source
from sparrow.cli.count_photos import entry_of
from sparrow.cli.journal_entry import Entry
from sparrow.inference.tile_choice import TileChoice, Tiles
from sparrow.inference.worker_process import ProcessLostError, WorkerProcess
from sparrow.storage.object_store import ObjectMissingError
from sparrow.visits.capture import read_position, read_shot

if TYPE_CHECKING:
    from sparrow.inference.counter import PhotoCounter

READERS = 2  # photos a process that are read or wait for it
LOST = "counting this photo ended the process that did it, twice: it may need more memory"


@dataclass(frozen=True)
class Told:
    """What a process is told of a photo: its name, its address, which file it is."""

    name: str
    address: str
    photo: ReadPhoto
    key: list[int] | None
    tiles: Tiles
    position: bool


class ShardCounter:
    """Counts shards of one plan, with one model, in processes that stay from shard to shard."""

    def __init__(self, address: str, workers: int = 1) -> None:
        """Take up a plan and fetch its model.

        Args:
            address: of the plan.
            workers: photos that are counted at the same time.

        Raises:
            ModelFolderError: the model is not whole.
            StoreError: a store cannot be reached.
        """
        self._plan: Plan = read_plan(address)
        request = self._plan.request
        self._source = open_source(request.photos, recursive=request.recursive)
        self._folder = self._plan.model_folder()
        self._processes = [WorkerProcess() for _ in range(workers)]
        self._free: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        for process in self._processes:
            self._free.put(process)

    def count(self, shard: str) -> int:
        """Count a shard that is not counted yet; how many photos it has.

        Raises:
            ModelFolderError: another model is in the folder now.
            StoreError: photos cannot be had, or the entries not be written.
        """
        store, key = self._plan.store(), counts_key(shard)
        photos = self._plan.shard_photos(shard)
        try:
            store.read(key, 1)  # another try of the same step has counted it
        except ObjectMissingError:
            lines = [json.dumps(entry) for entry in self._entries(photos)]
            store.write(key, "".join(f"{line}\n" for line in lines).encode())
        return len(photos)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()

    def _entries(self, photos: list[ArchivedPhoto]) -> Iterator[Entry]:
        ahead = READERS * len(self._processes)
        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(ahead))
            stack.callback(threads.shutdown, cancel_futures=True)
            waiting: deque[Future[Entry]] = deque()
            for photo in photos:
                waiting.append(threads.submit(self._count, photo))
                if len(waiting) > 2 * ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _count(self, photo: ArchivedPhoto) -> Entry:
        request = self._plan.request
        read = self._source.read(photo)
        address = self._source.address(photo.name)
        told = Told(photo.name, address, read, photo.key, request.tiles, request.options.position)
        process = self._free.get()
        try:
            return process.run(count_told, self._folder, told, info_sha256=self._plan.model_sha256)
        except ProcessLostError:
            return process.run(lost_entry, self._folder, told)
        finally:
            self._free.put(process)


def count_told(counter: PhotoCounter, told: Told) -> Entry:
    """A photo's entry."""
    content, trouble = told.photo
    counted, _ = counter.count(content, told.name, "cli", tiles=TileChoice(told.tiles))
    entry = entry_of(told.address, counted, trouble, told.key)
    if told.tiles is not None:
        entry["tiles"] = told.tiles
    if told.position:
        entry["position"] = read_position(content)
    return {**entry, "shot": asdict(read_shot(content))}


def lost_entry(counter: PhotoCounter, told: Told) -> Entry:
    """The entry of a photo that ended the process which counted it."""
    counted = counter.failed(told.photo.content, told.name, "cli")
    entry = entry_of(told.address, counted, LOST, told.key)
    return {**entry, "shot": {"taken": "", "camera": ""}}
