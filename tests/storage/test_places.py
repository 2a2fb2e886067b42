"""What takes room, what can go, and what must stay."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sparrow.cli.main import main
from sparrow.config import Config, StorageConfig, StoresConfig
from sparrow.registry.promotion_log import Change, PromotionLog
from sparrow.storage.places import (
    Places,
    in_words,
    known_places,
    measure_use,
    note_places,
    remove,
    size_of,
)
from sparrow.storage.plan import forget_measures, keep_within_budget, plan
from sparrow.storage.run_lock import LINK

MB = 1_000_000


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    return tmp_path


def places(**budgets):
    return Places(StoresConfig(), Path("prepared"), StorageConfig(**budgets))


def write(path, n_bytes, at=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * n_bytes)
    if at is not None:
        os.utime(path, (at, at))
    return path


def run(number, at, state="finished", name="demo", version=1, size=MB, **more):
    """A run as the flow leaves it."""
    folder = Path(".sparrow/runs") / str(number)
    for path in (
        "checkpoints/checkpoint.pt", "checkpoints/checkpoint.previous.pt",
        "checkpoints/best.safetensors", "checkpoints/best.previous.safetensors",
        "model/weights.safetensors", "model/model.json", "data/raw/report.html", "champion/x",
        "cards/dataset-card.md",
    ):  # fmt: skip
        write(folder / path, size, at)
    report = {"run": str(number), "name": name, "state": state, **more}
    if state == "finished":
        report["candidate_version"] = version
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "steps.jsonl").write_text("")
    os.utime(folder / "report.json", (at, at))
    return folder


def names(folder):
    return {str(p.relative_to(folder)) for p in folder.rglob("*")
            if p.is_file() and p.name != LINK}  # fmt: skip


KEPT = {
    "checkpoints/checkpoint.pt", "checkpoints/best.safetensors", "model/weights.safetensors",
    "model/model.json", "data/raw/report.html", "cards/dataset-card.md", "report.json",
    "steps.jsonl",
}  # fmt: skip


def test_nothing_is_there(home):
    assert plan(places()) == []
    assert keep_within_budget(places()) == []
    assert all(use.n_bytes == 0 for use in measure_use(places()))
    assert size_of(home / "nowhere") == 0
    assert known_places(StoresConfig()).budgets == StorageConfig()


def test_a_finished_run_keeps_what_going_on_takes_until_the_next_one_has_finished(home):
    old, other, new = run(1, 100), run(2, 200, name="own"), run(3, 300)
    lines = keep_within_budget(places())
    assert names(new) == KEPT
    assert names(other) == KEPT  # the newest of its name
    assert names(old) == {"data/raw/report.html", "cards/dataset-card.md", "report.json",
                          "steps.jsonl"}  # fmt: skip
    assert any("1/model: registered as version 1" in line for line in lines)
    assert keep_within_budget(places()) == []  # again: nothing


def test_a_model_that_no_registry_holds_stays(home):
    old, _ = run(1, 100, version=None), run(2, 200)
    keep_within_budget(places())
    assert "model/weights.safetensors" in names(old)


def test_a_run_under_way_is_not_touched_whatever_the_budget(home):
    lock = write(home / "x.lock", 1)
    busy, fresh, new = run(1, 100, state="unfinished"), run(2, 200, "unfinished"), run(3, 300)
    (busy / LINK).symlink_to(lock)
    os.utime(fresh / "report.json")  # on a cluster no lock tells; it has just been started
    os.utime(new / "report.json")
    before = names(busy), names(fresh)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        keep_within_budget(places(runs_gb=0))
        assert (names(busy), names(fresh)) == before
    keep_within_budget(places(runs_gb=0))
    assert names(busy) == {"report.json", "steps.jsonl"}
    assert names(fresh) == before[1]


def test_over_the_budget_finished_runs_go_first_and_the_oldest_of_them(home):
    runs = [run(1, 100, "unfinished"), run(2, 200), run(3, 300), run(4, 400)]
    for path in runs:
        (path / LINK).symlink_to("gone")  # all were started on this machine, and have ended
    keep_within_budget(places())
    left = [sum(size_of(path / part) for part in ("data", "cards")) for path in runs]
    assert left == [2 * MB] * 4
    # 1: 9 MB, 2 and 3: 2 MB each, 4: 6 MB.
    total = size_of(Path(".sparrow/runs"))
    keep_within_budget(places(runs_gb=(total - 3 * MB) / 1e9))
    assert [size_of(path / "data") for path in runs] == [MB, 0, MB, MB]
    assert [size_of(path / "cards") for path in runs] == [MB, 0, 0, MB]
    assert (runs[0] / "checkpoints" / "checkpoint.pt").exists()
    keep_within_budget(places(runs_gb=0))
    assert [names(path) == {"report.json", "steps.jsonl"} for path in runs] == [True] * 3 + [False]
    assert names(runs[3]) == KEPT


def test_a_damaged_file_that_was_set_aside_goes_only_by_a_persons_order(home, capsys):
    old, _ = run(1, 100), run(2, 200)
    aside = write(old / "checkpoints" / "checkpoint.pt.damaged-1", 2 * MB)
    keep_within_budget(places(runs_gb=0))
    assert aside.exists()
    assert main(["clean"]) == 0
    said = capsys.readouterr().out
    assert "checkpoint.pt.damaged-1: a damaged file" in said
    assert "2.0 MB would be freed. Nothing was deleted" in said
    assert aside.exists()
    assert main(["clean", "--yes"]) == 0
    assert "2.0 MB freed." in capsys.readouterr().out
    assert not aside.exists()
    assert main(["clean"]) == 0
    assert "Nothing to delete" in capsys.readouterr().out


def test_decoded_photos_go_least_recently_used_first_and_never_while_read(home):
    paths = [write(Path(f"prepared/photos-{n}.bin"), MB, at) for n, at in ((1, 300), (2, 100),
             (3, 200), (4, 400))]  # fmt: skip
    for path in paths:
        path.with_suffix(".json").write_text("{}")
    write(Path("prepared/photos-5.99.partial"), MB, 1)
    young = write(Path("prepared/photos-6.99.partial"), MB)
    assert len(plan(places())) == 1  # what a kill left two days ago
    with paths[1].open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        lines = keep_within_budget(places(prepared_gb=2e-3))
    assert len(lines) == 3

    left = {path.name for path in Path("prepared").glob("*.bin")}
    assert left == {"photos-2.bin", "photos-4.bin"}
    assert {path.name for path in Path("prepared").glob("*.json")} == {
        "photos-2.json", "photos-4.json"
    }  # fmt: skip
    assert young.exists()


def test_measures_shrink_to_their_budget_and_the_oldest_go(home):
    path = Path("prepared/photos.sqlite")
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as cache, cache:
        cache.execute("CREATE TABLE files (path TEXT PRIMARY KEY, sha256 TEXT)")
        cache.execute(
            "CREATE TABLE records (sha256 TEXT, version INTEGER, record TEXT, "
            "PRIMARY KEY (sha256, version))"
        )
        rows = [(f"{n:064}", 1, "x" * 1000) for n in range(3000)]
        cache.executemany("INSERT INTO records VALUES (?, ?, ?)", rows)
        cache.executemany("INSERT INTO files VALUES (?, ?)", [(f"p{n}", f"{n:064}") for n in
                          range(3000)])  # fmt: skip
    assert size_of(path) > 3 * MB
    (line,) = keep_within_budget(places(measured_mb=1.0))
    assert "storage.measured_mb" in line
    assert 0.5 * MB < size_of(path) <= MB
    with closing(sqlite3.connect(path)) as cache:
        kept = [int(row[0]) for row in cache.execute("SELECT sha256 FROM records")]
        files = cache.execute("SELECT count(*) FROM files").fetchone()[0]
    assert files == len(kept)
    assert set(kept) == set(range(3000 - len(kept), 3000))
    path.write_bytes(b"not a database" * 200_000)
    with pytest.raises(sqlite3.DatabaseError):
        forget_measures(path, MB)
    assert keep_within_budget(places(measured_mb=1.0)) == []  # left alone, and no fault of the run


def test_published_versions_go_but_for_the_champion_and_the_one_before(home):
    for name, numbers in (("demo", range(1, 6)), ("own", (1, 2)), ("by-hand", (9,))):
        for n in numbers:
            write(Path(f".sparrow/champion.versions/{name}/{n}/engine.onnx"), MB)
            os.utime(f".sparrow/champion.versions/{name}/{n}", (n, n))
    Path(".sparrow/champion").symlink_to("champion.versions/demo/4")
    with closing(PromotionLog(StoresConfig().promotion_log, "demo")) as log:
        for follows, (before, after) in enumerate([(None, 1), (1, 2), (2, 5), (5, 4)]):
            log.append(follows, before, Change(after, "better"))
    with closing(PromotionLog(StoresConfig().promotion_log, "own")) as log:
        log.append(0, None, Change(2, "first"))
    assert plan(places()) == []
    lines = keep_within_budget(places(published_gb=0))
    left = {str(p.parent.relative_to(".sparrow/champion.versions"))
            for p in Path(".sparrow/champion.versions").rglob("*.onnx")}  # fmt: skip
    # Of by-hand the log knows nothing: nobody can say what is needed.
    assert left == {"demo/4", "demo/5", "own/2", "by-hand/9"}
    assert len(lines) == 4


def test_old_pages_of_the_monitor_go_and_their_verdicts_stay(home):
    for n in range(1, 5):
        for name in ("index.html", "report.html", "verdict.json"):
            write(Path(f".sparrow/monitoring/2026-01-0{n}/{name}"), MB if "html" in name else 10)
    write(Path(".sparrow/monitoring/alerts.jsonl"), 10)
    assert plan(places()) == []
    keep_within_budget(places(monitoring_gb=0.005))
    left = names(Path(".sparrow/monitoring"))
    assert len([name for name in left if "html" in name]) == 4
    assert "2026-01-02/index.html" not in left
    assert "2026-01-03/index.html" in left
    keep_within_budget(places(monitoring_gb=0))
    left = names(Path(".sparrow/monitoring"))
    assert {name for name in left if "html" in name} == {
        "2026-01-04/index.html", "2026-01-04/report.html",
    }  # fmt: skip
    assert len([name for name in left if "verdict" in name]) == 4
    assert "alerts.jsonl" in left


def test_without_a_promotion_log_no_version_goes(home):
    write(Path(".sparrow/champion.versions/demo/1/engine.onnx"), MB)
    assert keep_within_budget(places(published_gb=0)) == []
    assert not Path(".sparrow/promotions.db").exists()


def test_mlflows_artifacts_are_never_planned(home):
    write(Path(".sparrow/artifacts/models/m-1/artifacts/model/engine.onnx"), MB)
    nothing = places(runs_gb=0, prepared_gb=0, measured_mb=0, published_gb=0)
    assert plan(nothing) == []
    (use,) = [use for use in measure_use(nothing) if use.what == "registered models"]
    assert (use.n_bytes, use.budget_bytes) == (MB, None)


def test_status_shows_what_takes_how_much_by_the_newest_runs_own_budgets(home, capsys):
    config = Config(storage=StorageConfig(runs_gb=0.005))
    run(7, 100, state="unfinished", **note_places(config))
    main(["status"])
    said = capsys.readouterr().out
    assert "runs" in said
    assert "9.0 MB of 5.0 MB" in said
    assert "over budget: runs; what could go: sparrow clean" in said
    main(["status", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert [use["what"] for use in found["room"]][:2] == ["runs", "decoded photos"]
    assert found["room"][0]["budget_bytes"] == 5 * MB


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "0.0 MB"), (49_000, "0.0 MB"), (99_900_000, "99.9 MB"), (304e6, "0.30 GB")],
)
def test_in_words(n_bytes, words):
    assert in_words(n_bytes) == words


def test_a_version_that_becomes_champion_after_it_was_listed_stays(home):
    for n in (1, 2, 3):
        write(Path(f".sparrow/champion.versions/demo/{n}/engine.onnx"), MB)
    with closing(PromotionLog(StoresConfig().promotion_log, "demo")) as log:
        log.append(0, None, Change(2, "first"))
        log.append(1, 2, Change(3, "better"))
        (item,) = plan(places(published_gb=0))
        log.append(2, 3, Change(1, "rollback"))  # by another process, between the two
    assert remove([item]) == []
    assert item.path.is_dir()
