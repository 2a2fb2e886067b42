"""Pin, push and pull one set after another: what is in it, what is refused, what is never lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sparrow.atomic_file import write_atomic
from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.errors import DataError
from sparrow.data.ingest.ingest import ingest_new
from sparrow.data.ingest.set_classes import load_classes, save_classes
from sparrow.data.ingest.versions import read_log, restore_version
from sparrow.data.pins import pull as pulling
from sparrow.data.pins import push as pushing
from sparrow.data.pins.compare import Differences, compare, describe_recorded
from sparrow.data.pins.contents import read_contents
from sparrow.data.pins.manifest import parse_manifest, read_manifest, sha256_hex
from sparrow.data.pins.pin import pin
from sparrow.data.pins.pointer import pointer_path, read_pointer
from sparrow.data.pins.pull import Pulled, fetched_folder, pull
from sparrow.data.pins.push import object_key, push
from sparrow.data.split.assignments import load_assignments, save_assignments
from sparrow.storage.object_store import ObjectStore, StoreError


@dataclass
class Clones:
    """A set, its store, and a second clone that gets the pointer as git would bring it."""

    here: DataConfig
    there: DataConfig
    store: str

    def pin_and_push(self) -> str:
        version = pin(self.here).pointer.version
        push(self.here, self.store)
        return version

    def checkout(self, pointer: bytes | None = None) -> None:
        content = pointer or pointer_path(Path(self.here.root)).read_bytes()
        pointer_path(Path(self.there.root)).write_bytes(content)

    def pull(self, **options: bool) -> Pulled:
        return pull(self.there, self.store, **options)

    def object(self, path: str) -> Path:
        """The stored content of a file of the set."""
        manifest = read_manifest(Path(self.here.root), read_pointer(Path(self.here.root)).manifest)
        assert manifest is not None
        (entry,) = (entry for entry in manifest.files if entry.path == path)
        return Path(self.store) / object_key(entry.sha256)


@pytest.fixture
def clones(tmp_path: Path, data_config: DataConfig, photos: Any) -> Clones:
    """Six photos, not pinned."""
    photos.write()
    for folder in ("store", "there"):
        (tmp_path / folder).mkdir()
    places = {name: str(tmp_path / "there" / name) for name in ("new", "rejected", "prepared")}
    there = data_config.model_copy(update=places | {"root": str(tmp_path / "there" / "raw")})
    return Clones(data_config, there, str(tmp_path / "store"))


def tree(root: str | Path) -> dict[str, bytes]:
    """Path -> content of the files in use."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in Path(root).rglob("*")
        if path.is_file() and "history" not in path.relative_to(root).parts
    }


def differences(config: DataConfig) -> Differences:
    root = Path(config.root)
    manifest = read_manifest(root, read_pointer(root).manifest)
    assert manifest is not None
    return compare(read_contents(root, config), manifest)


def drop_photo(config: DataConfig, photos: Any, name: str) -> None:
    """Take a photo out of the set, as a person would."""
    photos.info = photos.info[photos.info["Name"] != name]
    photos.boxes = photos.boxes[photos.boxes["image_name"] != name]
    photos.write()
    (Path(config.root) / "images" / name).unlink()


@pytest.mark.parametrize("photos_in_table", [None, 0])
def test_no_data_is_not_pinned(
    data_config: DataConfig, photos: Any, photos_in_table: int | None
) -> None:
    if photos_in_table is not None:
        photos.info, photos.boxes, photos.pictures = photos.info[:0], photos.boxes[:0], {}
        photos.write()
    with pytest.raises(DataError):
        pin(data_config)
    assert not pointer_path(Path(data_config.root)).exists()


def test_a_pointer_is_short_and_stays_as_it_is(clones: Clones) -> None:
    pinned = pin(clones.here)
    text = pinned.path.read_text()
    assert pinned.path == Path(clones.here.root).with_name("raw.version")
    assert f"version: {pinned.pointer.version}\nphotos: 6\nboxes: 6\nfiles: 8\n" in text
    assert pinned.pointer.version == read_log(Path(clones.here.root))[-1]["version"]
    assert not pin(clones.here).is_new
    assert pinned.path.read_text() == text
    assert not differences(clones.here)


def test_a_clone_gets_all_of_it_and_then_only_what_is_missing(
    clones: Clones, new: Any, photos: Any
) -> None:
    first = clones.pin_and_push()
    clones.checkout()
    old = pointer_path(Path(clones.here.root)).read_bytes()
    assert clones.pull().transfer.objects == 10  # photos, two tables, the version's two
    assert tree(clones.there.root) == tree(clones.here.root)
    assert read_log(Path(clones.there.root)) == read_log(Path(clones.here.root))
    assert not clones.pull().changed
    new.write()
    ingest_new(clones.here)
    second = clones.pin_and_push()
    assert push(clones.here, clones.store).objects == 0
    clones.checkout()
    assert clones.pull().transfer.objects == 8  # four photos, two tables, two of the version
    assert tree(clones.there.root) == tree(clones.here.root)
    assert check_dataset(Path(clones.there.root), clones.there).report.ok
    clones.checkout(old)  # an older commit: everything is in the history, no store is asked
    said = describe_recorded(Path(clones.there.root), read_pointer(Path(clones.there.root)))
    assert first in said
    assert second in said
    assert pull(clones.there, None).transfer.objects == 0
    assert len(tree(clones.there.root)) == 8
    assert not differences(clones.there)
    assert [line["version"] for line in read_log(Path(clones.there.root))] == [first, second, first]
    assert restore_version(clones.there, second) == second
    restored = check_dataset(Path(clones.there.root), clones.there).dataset
    assert len(restored.images) == 10


def test_names_of_every_kind_and_links(clones: Clones, photos: Any, tmp_path: Path) -> None:
    photos.rename("photo000.png", "zwei Vögel – 鳥.png")
    photos.rename("photo001.png", "it's a [bird] 1.png")
    root = photos.write()
    for old in ("photo000.png", "photo001.png"):
        (root / "images" / old).unlink()
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "images" / "photo002.png").rename(outside / "photo002.png")
    (root / "images" / "photo002.png").symlink_to(outside / "photo002.png")
    (root / "notes" / "of the day").mkdir(parents=True)
    (root / "notes" / "of the day" / "empty").write_bytes(b"")
    (root / "notes" / "linked").symlink_to(outside)
    (root / ".hidden").write_text("left alone")
    clones.pin_and_push()
    clones.checkout()
    clones.pull()
    del (here := tree(root))[".hidden"]
    here["notes/linked/photo002.png"] = (outside / "photo002.png").read_bytes()
    assert tree(clones.there.root) == here
    assert not any(path.is_symlink() for path in Path(clones.there.root).rglob("*"))
    (root / "notes" / "back").symlink_to(root / "notes")
    with pytest.raises(DataError, match="back: this link leads to a folder that it is in itself"):
        pin(clones.here)
    (root / "notes" / "back").unlink()
    (root / "notes" / "nothing").symlink_to("nowhere")
    with pytest.raises(DataError, match="nothing: expected a file; a link to nothing"):
        pin(clones.here)


def test_changed_data_is_refused_or_kept(clones: Clones, photos: Any) -> None:
    version = clones.pin_and_push()
    drop_photo(clones.here, photos, "photo004.png")
    root = Path(clones.here.root)
    before = tree(root)
    assert differences(clones.here) == Differences(
        missing=("images/photo004.png",), changed=("bboxes/bounding_boxes.csv", "image_info.csv")
    )
    with pytest.raises(DataError, match=r"missing: images/photo004\.png\n  changed: ") as said:
        pull(clones.here, clones.store)
    assert "--keep-local" in str(said.value)
    assert tree(root) == before
    pull(clones.here, clones.store, keep_local=True)
    assert not differences(clones.here)
    kept = [line["version"] for line in read_log(root)]
    assert kept == [version, kept[1], version]
    restore_version(clones.here, kept[1])
    assert tree(root).keys() == before.keys()


def test_tables_that_say_the_same_in_another_order_are_no_change(
    clones: Clones, photos: Any
) -> None:
    """As ``restore`` writes them, whose rows are in the order of the version's tables."""
    clones.pin_and_push()
    photos.info = photos.info[::-1]
    photos.write()
    assert differences(clones.here) == Differences(changed=("image_info.csv",))
    pull(clones.here, clones.store)
    assert not differences(clones.here)


def test_missing_files_come_back_without_a_question(clones: Clones) -> None:
    clones.pin_and_push()
    (Path(clones.here.root) / "images" / "photo003.png").unlink()
    assert pull(clones.here, clones.store).transfer.objects == 1
    assert not differences(clones.here)


def test_damaged_and_missing_objects_are_named_and_written_again(clones: Clones) -> None:
    clones.pin_and_push()
    clones.checkout()
    damaged, missing = clones.object("images/photo001.png"), clones.object("images/photo002.png")
    content = damaged.read_bytes()
    damaged.write_bytes(bytes([content[0] ^ 1]) + content[1:])  # of the same size
    missing.unlink()
    with pytest.raises(DataError, match="2 objects cannot be used") as said:
        clones.pull()
    for kind, lost, photo in (("damaged", damaged, 1), ("missing", missing, 2)):
        name = f"objects/{lost.name[:2]}/{lost.name} (images/photo00{photo}.png"
        assert f"\n  {kind}: {name}" in str(said.value)
    assert not Path(clones.there.root).exists()
    assert push(clones.here, clones.store).objects == 1  # a listing shows no damage of this kind
    again = push(clones.here, clones.store, verify=True)
    assert (again.objects, again.replaced) == (1, 1)
    assert clones.pull().transfer.objects == 2  # the others were fetched before
    assert tree(clones.there.root) == tree(clones.here.root)
    damaged.write_bytes(b"cut off")
    assert push(clones.here, clones.store).replaced == 1  # this one it does


def test_a_damaged_list_of_files_is_refused(clones: Clones) -> None:
    clones.pin_and_push()
    clones.checkout()
    sha256 = read_pointer(Path(clones.here.root)).manifest
    path = Path(clones.store) / object_key(sha256)
    content = path.read_text()
    path.write_text(content.replace("images/photo001.png", "../outside.png"))
    with pytest.raises(DataError, match=f"{sha256}: damaged: its SHA-256 is"):
        clones.pull()
    path.unlink()
    with pytest.raises(DataError, match=r"has not the state .* `sparrow data push` brings it"):
        clones.pull()


def test_a_file_that_changes_while_it_is_pushed_is_not_pushed(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(clones.here)
    changed = Path(clones.here.root) / "images" / "photo005.png"
    content = changed.read_bytes()
    changed.write_bytes(content + b"more")
    with pytest.raises(DataError, match=r"1 of the pinned files changed .*\n  images/photo005"):
        push(clones.here, clones.store)
    stored = [path.name for path in Path(clones.store).rglob("*") if path.is_file()]
    assert len(stored) == 9
    assert read_pointer(Path(clones.here.root)).manifest not in stored
    changed.rename(changed.with_name("renamed.png"))
    (changed.with_name("renamed.png")).write_bytes(content)  # here under another name
    assert push(clones.here, clones.store).objects == 1


def test_a_store_that_goes_in_the_middle_is_named_and_gone_on_with(
    clones: Clones, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(clones.here)
    store, away = Path(clones.store), Path(clones.store + ".away")

    def goes_after_four(work: Callable[..., None]) -> Callable[..., None]:
        calls: list[object] = []

        def call(*arguments: object) -> None:
            work(*arguments)
            calls.append(arguments)
            if len(calls) == 4:
                store.rename(away)

        return call

    monkeypatch.setattr(pushing, "THREADS", 1)
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "write", goes_after_four(ObjectStore.write))
        with pytest.raises(StoreError, match="is not there: mount it"):
            push(clones.here, clones.store)
    assert not store.exists()
    away.rename(store)
    whole = push(clones.here, clones.store)
    assert (whole.known, whole.objects) == (4, 6)
    clones.checkout()
    monkeypatch.setattr(pulling, "write_atomic", goes_after_four(write_atomic))
    with pytest.raises(StoreError, match="is not there: mount it"):
        clones.pull()
    assert not Path(clones.there.root).exists()
    assert len(list(fetched_folder(Path(clones.there.root)).iterdir())) == 4
    away.rename(store)
    assert clones.pull().transfer.known == 4


def test_a_store_that_can_only_be_read(
    clones: Clones, photos: Any, read_only_folder: Callable[[Path], Path]
) -> None:
    clones.pin_and_push()
    clones.checkout()
    clones.store = str(read_only_folder(Path(clones.store)))
    assert clones.pull().changed
    assert push(clones.here, clones.store).objects == 0
    drop_photo(clones.here, photos, "photo004.png")
    pin(clones.here)
    with pytest.raises(StoreError, match=r"cannot be written: .*Read-only"):
        push(clones.here, clones.store)


def test_two_sets_share_a_store(clones: Clones, photos: Any) -> None:
    """A second set with the same photos and one less adds its own tables only."""
    clones.pin_and_push()
    shutil.copytree(clones.here.root, clones.there.root)
    shutil.rmtree(Path(clones.there.root) / "history")
    photos.root = Path(clones.there.root)
    drop_photo(clones.there, photos, "photo004.png")
    pin(clones.there)
    assert push(clones.there, clones.store).objects == 4
    assert pull(clones.here, clones.store).changed is False
    for config, number in ((clones.here, 6), (clones.there, 5)):
        shutil.rmtree(config.root)
        pull(config, clones.store)
        assert len(list((Path(config.root) / "images").iterdir())) == number


def test_two_clones_that_both_changed_keep_both(clones: Clones, photos: Any, new: Any) -> None:
    clones.pin_and_push()
    clones.checkout()
    clones.pull()
    new.root = Path(clones.there.new)
    new.write()
    ingest_new(clones.there)
    pin(clones.there)  # not pushed
    there, pointer = tree(clones.there.root), pointer_path(Path(clones.there.root)).read_bytes()
    drop_photo(clones.here, photos, "photo004.png")
    clones.pin_and_push()
    clones.checkout()
    clones.pull()  # what was pinned there is a state that can be come back to
    assert tree(clones.there.root) == tree(clones.here.root)
    clones.checkout(pointer)
    clones.pull()
    assert tree(clones.there.root) == there


def test_the_split_goes_along_and_a_photo_stays_where_a_model_has_seen_most(
    clones: Clones,
) -> None:
    def split(config: DataConfig, places: list[str]) -> None:
        dataset = check_dataset(Path(config.root), config).dataset
        dataset.images["split"] = places
        save_assignments(dataset)

    clones.pin_and_push()
    clones.checkout()
    clones.pull()
    split(clones.there, ["train", "train", "validation", "test", "test", "test"])
    split(clones.here, ["train", "test", "test", "train", "validation", "test"])
    assert pin(clones.here).is_new  # the split is new, the files are not
    push(clones.here, clones.store)
    clones.checkout()
    (Path(clones.there.root) / "images" / "photo003.png").unlink()
    clones.pull()
    assert sorted(load_assignments(Path(clones.there.root)).values()) == [
        "test", "train", "train", "train", "validation", "validation",
    ]  # fmt: skip


def test_the_order_of_classes_goes_along_and_the_pinned_one_counts(
    clones: Clones, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = (Path(config.root) for config in (clones.here, clones.there))
    clones.pin_and_push()
    before = read_pointer(here)
    save_classes(here, ("wren", "jay"))
    assert pin(clones.here).is_new  # the order is new, the files are not
    push(clones.here, clones.store)
    assert read_pointer(here) != before
    clones.checkout()
    clones.pull()
    assert load_classes(there) == ("wren", "jay")
    save_classes(there, ("jay", "owl", "wren"))
    assert not clones.pull().changed  # no file differs
    assert load_classes(there) == ("wren", "jay", "owl")
    assert "were recorded as jay, owl, wren here and are wren, jay, owl now" in caplog.text
    caplog.clear()
    clones.pull()  # a class more, behind theirs, is no other order
    assert load_classes(there) == ("wren", "jay", "owl")
    assert caplog.text == ""


def test_a_state_without_recorded_classes_is_the_same_bytes_as_ever(clones: Clones) -> None:
    pin(clones.here)
    pointer = read_pointer(Path(clones.here.root))
    manifest = read_manifest(Path(clones.here.root), pointer.manifest)
    assert manifest is not None
    assert b"classes" not in manifest.to_bytes()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line says version"),
        ("<<<<<<< HEAD\nversion: a\n", "git could not merge two pointers"),
        ("version: nonsense\nphotos: 1\nboxes: 1\nfiles: 1\nbytes: 1\nmanifest: a\n", "16 hex"),
    ],
)
def test_a_damaged_pointer_says_what_to_do(clones: Clones, text: str, said: str) -> None:
    pin(clones.here)
    pointer_path(Path(clones.here.root)).write_text(text)
    for use in (push, pull):
        with pytest.raises(DataError, match=said):
            use(clones.here, clones.store)
    assert pin(clones.here).is_new  # the way out


def test_no_pointer_and_no_store_say_what_to_do(clones: Clones) -> None:
    with pytest.raises(DataError, match="there is no pointer yet; `sparrow data pin` writes it"):
        push(clones.here, clones.store)
    pin(clones.here)
    with pytest.raises(DataError, match=r"set stores\.data"):
        push(clones.here, None)
    clones.checkout()
    with pytest.raises(DataError, match=r"set stores\.data"):
        pull(clones.there, None)


def test_a_list_that_leads_out_of_the_set_is_refused() -> None:
    content = json.dumps(
        {"format": 1, "version": "0" * 16, "photos": 0, "boxes": 0, "past": [], "log": [],
         "assignments": {}, "files": [{"path": "../x", "sha256": "0" * 64, "bytes": 0}]}
    ).encode()  # fmt: skip
    with pytest.raises(DataError, match="leads out of the set"):
        parse_manifest(content, sha256_hex(content), "here")
