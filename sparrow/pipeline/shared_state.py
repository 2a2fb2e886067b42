"""What outlives a step, where ``stores.state`` is set: fetched before the step, published after it.

The local folders of the config are then copies, each of its own host: the data set, the run's
folder, decoded photos and the monitor's pages. Where it is not set, nothing is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sparrow.config import Config
from sparrow.database_server import server_turn
from sparrow.storage.object_store import StoreError, open_store
from sparrow.storage.shared_folder import ChangedElsewhereError, SharedFolder

NO_PHOTOS = ("gather", "choose", "gang", "gathered", "bundle", "end")  # steps that look at none
DECODES = ("tune", "train", "train_together")
VERDICT, REPORT = "verdict.json", "report.json"


@dataclass(frozen=True)
class SharedState:
    """Folders that a step works on, and who it is.

    Attributes:
        folders: in the order in which they are fetched and published.
        owner: the step, in a name for files.
        turn: store and name of a turn that hosts take from fetching to publishing, where it matters
            what one of them has decided.
    """

    folders: Sequence[SharedFolder]
    owner: str
    turn: tuple[str, str] | None = None

    def fetch(self) -> None:
        """Bring the copies to the newest state (see ``SharedFolder.fetch``)."""
        for folder in self.folders:
            folder.fetch()

    def publish(self) -> None:
        """Publish what the step has changed so far (see ``SharedFolder.publish``)."""
        for folder in self.folders:
            folder.publish(self.owner)


def training_state(config: Config, step: str, run_key: str, task: str) -> SharedState:
    """What a step of ``train.py`` works on.

    Args:
        config: of the run; its classes need not be settled.
        step: its name.
        run_key: of the run.
        task: Metaflow's id.
    """
    url = config.stores.state
    if url is None:
        return SharedState((), step)
    store = open_store(url, writer=f"{run_key}-{step}-{task}")
    folders = [] if step in NO_PHOTOS else data_folders(config)
    runs = Path(config.stores.runs)
    for name in sorted({run_key, *_origin_of(config, step)}):
        folders.append(SharedFolder(store, f"runs/{name}", runs / name))
    if step in DECODES or step == "split":
        prepared = Path(config.data.prepared)
        folders.append(SharedFolder(store, "prepared", prepared, kept=_prepared(config, step)))
    return SharedState(folders, f"{step}-{task}")


def data_folders(config: Config) -> list[SharedFolder]:
    """The raw set with its history, what waits to be taken in, and what was refused."""
    data, url = config.data, config.stores.state
    assert url is not None  # noqa: S101 the caller has asked
    store = open_store(url)
    return [
        SharedFolder(store, f"data/{_key(place)}", Path(place), exclusive=True)
        for place in (data.root, data.new, data.rejected)
    ]


def monitoring_state(config: Config, work_dir: str | None, step: str, task: str) -> SharedState:
    """What a step of ``monitor.py`` works on: the pages of its run, and all earlier verdicts."""
    url = config.stores.state
    if url is None:
        return SharedState((), step)
    home = Path(config.stores.monitoring)
    own = f"{Path(work_dir).name}/" if work_dir else "/"

    def kept(path: str) -> bool:
        return "/" not in path or path.startswith(own) or path.endswith(f"/{VERDICT}")

    store = open_store(url, writer=f"monitor-{step}-{task}")
    pages = SharedFolder(store, "monitoring", home, kept=kept)
    # Of two monitors that find drift at once, one starts the training.
    turn = (config.stores.prediction_log, "sparrow monitor") if step == "respond" else None
    return SharedState([pages], f"{step}-{task}", turn)


def publish_data(config: Config) -> Iterator[str]:
    """Publish the data set of this host, and what waits in ``data.new``; a line for each folder."""
    for folder in data_folders(config):
        folder.fetch()
        yield f"{folder.folder}: {folder.publish('by-hand')} files published"


def fetch_state(config: Config, run: str | None) -> Iterator[str]:
    """Bring data set, pages of the monitor and reports of runs here; a line for each folder.

    Args:
        run: of which all files are brought, its model and pages with them.
    """
    for folder in data_folders(config):
        folder.fetch()
        yield str(folder.folder)
    store = open_store(str(config.stores.state))
    home = Path(config.stores.monitoring)
    SharedFolder(store, "monitoring", home).fetch()
    yield str(home)
    names = {key.split("/")[1] for key in store.sizes("runs")}
    if run is not None and run not in names:
        listed = ", ".join(sorted(names)) or "none"
        raise StoreError(f"the store {store.name} has no run {run}; its runs: {listed}")
    for name in sorted(names):
        kept = _everything if name == run else _report_alone
        folder = SharedFolder(store, f"runs/{name}", Path(config.stores.runs) / name, kept=kept)
        folder.fetch()
        yield str(folder.folder)


def _everything(path: str) -> bool:
    return True


def _report_alone(path: str) -> bool:
    return path == REPORT


def fetch_champion(config: Config, version: str | None = None) -> None:
    """Put the champion, and another version where one is named, where this host looks for them.

    The registry says which; ``stores.champion`` is a copy of what it holds.

    Args:
        version: the number of a registered version.
    """
    from sparrow.registry.registry import Registry

    registry = Registry(config.stores, config.name)
    registry.reconcile()
    if version and version.isdigit():
        registry.fetch(int(version))


def _prepared(config: Config, step: str) -> Callable[[str], bool]:
    """The split's tables; or the decoded photos of the config's size alone."""
    if step == "split":
        return lambda path: path.endswith(".csv")
    from sparrow.training.decoded_photos import settings_key

    stem = f"photos-{settings_key((config.model.min_side_px, config.model.max_side_px))}-"
    return lambda path: path.startswith(stem)


def _origin_of(config: Config, step: str) -> Iterator[str]:
    """The run that a training goes on from, where ``training.continue_from`` names one."""
    wanted = str(config.training.continue_from or "")
    if wanted and Path(wanted).name == wanted and step in ("start", "choose", *DECODES):
        yield wanted


def _key(place: str) -> str:
    return quote(Path(place).as_posix().lstrip("/").replace("..", "up"))


@contextmanager
def shared(state: SharedState) -> Iterator[None]:
    """Fetch, let the step work, publish what it has done.

    A step that fails publishes, too: its pages say why, and every folder is whole at any moment.
    """
    with server_turn(*state.turn) if state.turn else nullcontext():
        state.fetch()
        try:
            yield
        except Exception:
            with suppress(StoreError, ChangedElsewhereError):  # the first error says more
                state.publish()
            raise
        state.publish()
