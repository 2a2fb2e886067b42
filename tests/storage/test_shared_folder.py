"""Hosts that share no folder work on copies of one: in a folder, and in a real S3 bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pinned_sets import BUCKET

from sparrow.storage.object_store import ObjectStore, StoreError, open_store
from sparrow.storage.shared_folder import LARGE_BYTES, ChangedElsewhereError, SharedFolder

PLACES = ["folder", pytest.param("s3", marks=pytest.mark.push)]


@pytest.fixture(params=PLACES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        (tmp_path / "store").mkdir()
        return open_store(str(tmp_path / "store"))
    request.getfixturevalue("s3")
    return open_store(f"s3://{BUCKET}/{tmp_path.name}")


def host(store: ObjectStore, home: Path, exclusive: bool = False) -> SharedFolder:
    return SharedFolder(store, "part", home, exclusive=exclusive)


def content(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_nothing_is_fetched_and_published_where_there_is_nothing(
    store: ObjectStore, tmp_path: Path
) -> None:
    mine = host(store, tmp_path / "mine")
    assert (mine.fetch(), mine.publish("me"), store.sizes("part")) == (0, 0, {})


def test_one_host_goes_on_where_another_has_stopped(store: ObjectStore, tmp_path: Path) -> None:
    mine, yours = host(store, tmp_path / "mine"), host(store, tmp_path / "yours")
    mine.fetch()
    write(mine.folder, a="1", deep__b="2", c="3", empty="", d_partial="worthless", e_lock="mine")
    assert mine.publish("me") == 4
    yours.fetch()
    assert content(yours.folder) == {"a": "1", "deep/b": "2", "c": "3", "empty": ""}
    write(yours.folder, a="changed", f="new")
    (yours.folder / "c").unlink()
    assert yours.publish("you") == 3
    assert yours.publish("you") == 0  # nothing since
    mine.fetch()
    assert content(mine.folder) == {
        "a": "changed", "deep/b": "2", "f": "new", "empty": "", "d.partial": "worthless",
        "e.lock": "mine",
    }  # fmt: skip


def test_what_a_person_has_changed_in_a_copy_is_kept_and_published(
    store: ObjectStore, tmp_path: Path
) -> None:
    """By processes that begin anew; beside them what others have changed and removed."""
    mine = host(store, tmp_path / "mine", exclusive=True)
    write(mine.folder, a="1", b="2", c="3", d="4")
    mine.publish("me")
    yours = host(store, tmp_path / "yours", exclusive=True)
    yours.fetch()
    write(yours.folder, b="yours")
    (yours.folder / "c").unlink()
    yours.publish("you")
    write(mine.folder, a="by hand", e="by hand")
    (mine.folder / "d").unlink()  # what is missing is fetched: a folder may have been cleared away
    for _ in range(2):
        again = host(store, mine.folder, exclusive=True)
        again.fetch()
        expected = {"a": "by hand", "b": "yours", "d": "4", "e": "by hand"}
        assert content(mine.folder) == expected
    assert again.publish("me") == 2
    yours.fetch()
    assert content(yours.folder) == expected
    # What was removed and is put there again by hand is not taken for a copy of before.
    write(mine.folder, c="3")
    again = host(store, mine.folder, exclusive=True)
    again.fetch()
    assert again.publish("me") == 1


def test_lines_that_two_hosts_add_at_once_are_all_kept(store: ObjectStore, tmp_path: Path) -> None:
    hosts = [host(store, tmp_path / name) for name in ("one", "two")]
    hosts[0].fetch()
    write(hosts[0].folder, log_jsonl="begun\n")
    hosts[0].publish("one")
    for each in hosts:
        each.fetch()
    for number, each in enumerate(hosts):
        with (each.folder / "log.jsonl").open("a") as log:
            log.write(f"{number}\n")
        each.publish(str(number))
        assert each.publish(str(number)) == 0
    last = host(store, tmp_path / "last")
    last.fetch()
    lines = (last.folder / "log.jsonl").read_text().splitlines()
    assert (lines[0], sorted(lines[1:])) == ("begun", ["0", "1"])


def test_of_two_changes_that_follow_one_state_one_is_refused(
    store: ObjectStore, tmp_path: Path
) -> None:
    first, second = (host(store, tmp_path / name, exclusive=True) for name in ("one", "two"))
    for each in (first, second):
        each.fetch()
    write(first.folder, table="first")
    first.publish("first")
    write(second.folder, table="second")
    with pytest.raises(ChangedElsewhereError, match=r"another run has changed .*nothing was publ"):
        second.publish("second")
    with pytest.raises(ChangedElsewhereError, match="two/table was changed here and never"):
        host(store, second.folder, exclusive=True).fetch()
    assert content(second.folder) == {"table": "second"}  # not overwritten without a word
    again = host(store, tmp_path / "again", exclusive=True)
    again.fetch()
    assert content(again.folder) == {"table": "first"}


def test_a_file_that_is_not_what_was_published_is_refused(
    store: ObjectStore, tmp_path: Path
) -> None:
    mine = host(store, tmp_path / "mine")
    write(mine.folder, a="1")
    mine.publish("me")
    (key,) = store.sizes("part/objects")
    store.write(key, b"2")
    with pytest.raises(StoreError, match="is damaged"):
        host(store, tmp_path / "yours").fetch()


def test_replaced_checkpoints_do_not_pile_up_but_states_of_a_data_set_do(
    store: ObjectStore, tmp_path: Path
) -> None:
    for exclusive, kept in ((False, 1), (True, 3)):
        prefix = f"part-{exclusive}"
        mine = SharedFolder(store, prefix, tmp_path / prefix, exclusive=exclusive)
        mine.folder.mkdir()
        for epoch in range(3):
            (mine.folder / "checkpoint.pt").write_bytes(bytes([epoch]) * LARGE_BYTES)
            mine.publish("train")
        assert len(store.sizes(f"{prefix}/objects")) == kept


def test_what_a_kill_left_unfinished_is_not_seen(store: ObjectStore, tmp_path: Path) -> None:
    """Contents go first: without their layer they are nobody's."""
    mine = host(store, tmp_path / "mine")
    write(mine.folder, a="1")
    mine.publish("me")
    store.write("part/objects/ab/abc", b"of a host that was killed")
    yours = host(store, tmp_path / "yours")
    yours.fetch()
    assert content(yours.folder) == {"a": "1"}


def test_a_layer_says_who_wrote_what(store: ObjectStore, tmp_path: Path) -> None:
    mine = host(store, tmp_path / "mine", exclusive=True)
    write(mine.folder, a="")
    mine.publish("ingest-4")
    layer = json.loads(store.read("part/layers/00000001.json"))
    # SHA-256 of nothing.
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (layer["by"], layer["files"]) == ("ingest-4", {"a": empty})


def test_only_one_of_many_creates_an_object(store: ObjectStore) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda n: store.create("turn/1", str(n).encode()), range(8)))
    assert made.count(True) == 1
    assert store.read("turn/1") == str(made.index(True)).encode()
    assert list(store.sizes("turn")) == ["turn/1"]
    store.delete(["turn/1", "turn/2"])  # the second was never there
    assert store.sizes("turn") == {}
