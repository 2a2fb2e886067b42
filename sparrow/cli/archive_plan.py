"""What an archive's count is made of: shards of photos, each with a name that follows from them.

The plan and the shards are objects beside the result, in its state folder. A shard's name is a hash
of its photos, the model and the options: a count that is started again finds what was counted of
the very same, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sparrow.cli.archive_model import local_model, send_model
from sparrow.cli.archive_request import Destination, Request, open_folder
from sparrow.cli.archive_source import S3, ArchivedPhoto, ArchiveListing, open_source
from sparrow.cli.counted_folder import VisitOptions
from sparrow.inference.model_folder import INFO, read_info
from sparrow.inference.photo_files import FoundPhotos, SkippedFile
from sparrow.regular_file import sha256_of
from sparrow.served_settings import UNPUBLISHED, registered_version
from sparrow.storage.object_store import ObjectStore

FORMAT = 1  # raise when plan, shards or entries change their form
AT_ONCE = 16  # objects that are written at the same time
SHARDS = "shards"


@dataclass(frozen=True)
class Plan:
    """A count of an archive.

    Attributes:
        request: see there.
        address: of this plan, which workers take it from.
        model: where workers have the model from.
        model_sha256: of its ``model.json``.
        version: that it is registered under.
        shards: their names, in the order of the table.
        photos: how many there are.
        left_out: what was found and is not counted.
    """

    request: Request
    address: str
    model: str
    model_sha256: str
    version: str
    shards: tuple[str, ...]
    photos: int
    left_out: FoundPhotos

    def store(self) -> ObjectStore:
        """The state's store."""
        return open_folder(self.address.rpartition("/")[0])

    def model_folder(self) -> Path:
        """The model, on this machine; see ``local_model``."""
        return local_model(self.model, self.version)

    def missing(self) -> list[str]:
        """Shards that are not counted yet."""
        there = self.store().sizes(SHARDS)
        return [shard for shard in self.shards if counts_key(shard) not in there]

    def shard_photos(self, shard: str) -> list[ArchivedPhoto]:
        """The photos of a shard."""
        lines = self.store().read(photos_key(shard)).splitlines()
        return [ArchivedPhoto(*json.loads(line)) for line in lines]


def photos_key(shard: str) -> str:
    """The object with a shard's photos."""
    return f"{SHARDS}/{shard}.photos"


def counts_key(shard: str) -> str:
    """The object with a shard's entries, which is there once all are."""
    return f"{SHARDS}/{shard}.counts"


def make_plan(request: Request, check: Callable[[ArchiveListing], None]) -> Plan:
    """List the archive, cut it into shards and write them down.

    Args:
        request: what to count.
        check: raises where the result must not be written.

    Raises:
        ValueError: there is no photo, or the result cannot be where it shall be.
        ModelFolderError: there is no model.
        StoreError: a store cannot be used.
    """
    to = Destination.parse(request.to)
    source = open_source(request.photos, recursive=request.recursive)
    if to.holds(source.address("photo")):
        raise ValueError(f"--to {request.to}: the photos are in it; choose another folder")
    version, folder, sha256 = _model(request.model)
    listing = source.listing(to.holds)
    check(listing)
    store = open_folder(to.state)
    remote = to.folder.startswith(S3) and not request.model.startswith(S3)
    model = send_model(folder, to.state, sha256) if remote else request.model
    made_with = [FORMAT, sha256, version, request.tiles, request.options.position]
    lines = list(_shards(listing.photos, request, [*made_with, source.address("")]))
    _write_shards(store, lines)
    shards, number = tuple(shard for shard, _ in lines), len(listing.photos)
    plan = Plan(request, "", model, sha256, version, shards, number, listing.left_out)
    return _written(store, plan, to.state)


def read_plan(address: str) -> Plan:
    """A plan that was made.

    Raises:
        StoreError: it is not there, or cannot be read.
    """
    state, _, name = address.rpartition("/")
    values = json.loads(open_folder(state).read(f"{name}.plan"))
    request = values["request"]
    request["options"] = VisitOptions(**request["options"])
    request["photos"] = tuple(request["photos"])
    left_out: dict[str, list[Any]] = values["left_out"]
    skipped = [SkippedFile(Path(path), reason) for path, reason in left_out.pop("skipped")]
    others = {name: list(map(Path, paths)) for name, paths in left_out.items()}
    return Plan(
        Request(**request), address, values["model"], values["model_sha256"], values["version"],
        tuple(values["shards"]), values["photos"], FoundPhotos(skipped=skipped, **others),
    )  # fmt: skip


def _model(place: str) -> tuple[str, Path, str]:
    """Version, folder on this machine and SHA-256 of ``model.json``; the files are checked."""
    name = place.rpartition("/")[2]
    version = name if name.isdigit() else UNPUBLISHED
    if not place.startswith(S3):
        version = registered_version(Path(place))
    folder = local_model(place, version)
    read_info(folder)
    return version, folder, sha256_of(folder / INFO)


def _shards(
    photos: Sequence[ArchivedPhoto], request: Request, made_with: list[Any]
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each."""
    for start in range(0, len(photos), request.shard_photos):
        some = photos[start : start + request.shard_photos]
        content = "".join(f"{json.dumps(photo)}\n" for photo in some).encode()
        digest = hashlib.sha256(json.dumps(made_with).encode() + b"\n" + content)
        yield digest.hexdigest()[:32], content


def _write_shards(store: ObjectStore, shards: Sequence[tuple[str, bytes]]) -> None:
    there = store.sizes(SHARDS)
    new = [shard for shard in shards if photos_key(shard[0]) not in there]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        # The list asks for each result, and so raises what a thread raised.
        list(threads.map(lambda shard: store.write(photos_key(shard[0]), shard[1]), new))


def _written(store: ObjectStore, plan: Plan, state: str) -> Plan:
    text = json.dumps(_as_json(plan)).encode()
    name = hashlib.sha256(text).hexdigest()[:32]
    store.write(f"{name}.plan", text)
    return replace(plan, address=f"{state}/{name}")


def _as_json(plan: Plan) -> dict[str, Any]:
    left_out: dict[str, Any] = {
        name: list(map(str, paths)) for name, paths in vars(plan.left_out).items()
    }
    left_out["skipped"] = [[str(file.path), file.reason] for file in plan.left_out.skipped]
    values = {name: value for name, value in vars(plan).items() if name != "address"}
    return values | {"request": asdict(plan.request), "left_out": left_out}
