"""What every test relies on: no telemetry, one thread a library, no screen, and drawn photos."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest_plugins = [
    "built_wheel", "empty_mlflow", "photo_sets", "pinned_sets", "random_order", "scored_photos",
    "small_training",
]  # fmt: skip

# Libraries read these when they are imported, so they are set before any test module is. The flows,
# servers and workers that tests start inherit them.
os.environ.update(
    {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "BENTOML_DO_NOT_TRACK": "True",
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "ORT_DISABLE_TELEMETRY": "1",
        "METAFLOW_USER": "test",
        "MPLBACKEND": "Agg",
        # On a busy machine two threads a library are slower than one by an order of magnitude.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
)


# A developer's own server is no place for what tests log.
os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="module", autouse=True)
def nothing_of_ours_is_left_in_the_environment() -> Iterator[None]:
    """A model or server named by one file's tests would be taken by commands of the next file's."""
    before = _ours_in_the_environment()
    yield
    left = _ours_in_the_environment()
    for name in left:
        os.environ.pop(name)
    os.environ.update(before)
    assert left == before


def _ours_in_the_environment() -> dict[str, str]:
    prefixes = ("SPARROW_", "MLFLOW_TRACKING_URI", "METAFLOW_")
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of 24 drawn photos with their tables, in the layout of ``data/raw``. Read only."""
    from sparrow.data.synthetic.generate import generate_dataset
    from sparrow.data.synthetic.settings import SyntheticSettings

    root = tmp_path_factory.mktemp("drawn") / "raw"
    generate_dataset(root, SyntheticSettings(24, seed=7))
    return root


class Nobody:
    """A block in which this process has no rights of root, and a folder that it may look into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        if os.getuid() == 0:
            os.seteuid(65534)

    def __exit__(self, *_: object) -> None:
        os.seteuid(os.getuid())


@pytest.fixture
def as_nobody() -> Iterator[Nobody]:
    """For tests of permissions, which root is never refused. pytest's own folders are root's."""
    folder = Path(tempfile.mkdtemp(prefix="sparrow-nobody-"))
    folder.chmod(0o755)
    if os.getuid() == 0:
        os.chown(folder, 65534, 65534)
    yield Nobody(folder)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def model_folder(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained model as a folder, published as a registry does: a link to version 1.

    Its scores mean nothing, but it runs like any other; its threshold lets a few boxes through.
    Read only: a test that changes it takes a copy. Made once for one state of the code it is made
    with, and found again by later runs: building it takes half a minute on a busy machine.
    """
    import hashlib

    import sparrow

    rooms = ("detectors", "training", "export", "inference")
    home = Path(sparrow.__file__).parent
    sources = sorted(path for room in rooms for path in (home / room).glob("*.py"))
    code = b"".join(path.read_bytes() for path in (Path(__file__), *sources))
    home = Path(tempfile.gettempdir()) / f"sparrow-test-model-{os.getuid()}"
    home /= hashlib.sha256(code).hexdigest()[:16]
    if not home.exists():
        scratch = tmp_path_factory.mktemp("model") / "home"
        _write_untrained_model(scratch / "champion.versions" / "1", drawn_dataset)
        (scratch / "champion").symlink_to("champion.versions/1", target_is_directory=True)
        home.parent.mkdir(exist_ok=True)
        for old in sorted(home.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-8]:
            shutil.rmtree(old, ignore_errors=True)  # of states of the code long gone
        shutil.move(scratch, home)
    return home / "champion"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Makes small file systems of their own (MB); skipped where that is not permitted."""
    mounted: list[Path] = []

    def mount(name: str, size_mb: float = 1.0) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        options = f"size={int(size_mb * 1024)}k"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only_folder(small_disk: Callable[..., Path]) -> Callable[[Path], Path]:
    """Copies a folder to a file system that then cannot be written, by root neither."""

    def copy(source: Path) -> Path:
        folder = small_disk(f"read-only-{uuid.uuid4().hex}", 20)
        shutil.copytree(source, folder, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        return folder

    return copy


@pytest.fixture(scope="session")
def write_small_model() -> Callable[..., Path]:
    """See ``small_model.py``: whole model folders of a few kilobytes."""
    path = Path(__file__).with_name("small_model.py")
    spec = importlib.util.spec_from_file_location("small_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    write: Callable[..., Path] = module.write_small_model
    return write


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a PostgreSQL server without its database's name; made for this run, then deleted.

    Its user ``sparrow`` needs no password; ``locked`` (see ``locked_postgres``) needs one.
    """
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), *map(Path, os.get_exec_path())]
    binaries = next((path for path in found if (path / "initdb").exists()), None)
    if binaries is None:
        pytest.skip("PostgreSQL is not installed here (apt install postgresql)")
    user = "nobody" if os.getuid() == 0 else None  # the server refuses to run as root
    home = Path(tempfile.mkdtemp(prefix="sparrow-postgres-"))
    if user:
        shutil.chown(home, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(home / "data")
    initdb = [binaries / "initdb", "--no-sync", "-A", "trust", "-U", "sparrow", "-E", "UTF8", data]
    subprocess.run(initdb, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL)
    rules = Path(data) / "pg_hba.conf"  # the first that fits holds
    rules.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    options = ("fsync=off", "listen_addresses=127.0.0.1", "unix_socket_directories=")
    command = [binaries / "postgres", "-D", data, "-p", str(port), *(f"-c{o}" for o in options)]
    with (home / "log.txt").open("w") as log:
        server = subprocess.Popen(command, user=user, cwd=home, stdout=log, stderr=log)
    try:
        for _ in range(300):
            # It takes connections, and refuses them, before it is ready.
            ready = [binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            if subprocess.run(ready).returncode == 0:
                break
            assert server.poll() is None, (home / "log.txt").read_text()
            time.sleep(0.1)
        yield f"postgresql://sparrow@127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)  # SIGTERM would wait for whoever is connected
        server.wait(30)
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def locked_postgres(postgres: str) -> tuple[str, str]:
    """The server's URL for a user who needs a password, without it; and the password."""
    import psycopg

    password = "Zq7-unlikely.pa55word/@"  # with what a URL would quote
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{password}'")
    return postgres.replace("//sparrow@", "//locked@"), password


def _write_untrained_model(folder: Path, drawn_dataset: Path) -> None:
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from sparrow.config import Config, with_values
    from sparrow.detectors.build import build_detector
    from sparrow.export.onnx import export_engine
    from sparrow.images import read_image
    from sparrow.inference.engine import Engine
    from sparrow.inference.model_folder import WEIGHTS, ModelInfo, write_info
    from sparrow.inference.safetensors_metadata import classes_metadata
    from sparrow.photo_scale import resize_to_fit

    config = with_values(
        Config(),
        {
            "model.architecture": "fasterrcnn_mobilenet_v3_large_320_fpn",
            "model.weights": "none",
            "model.freeze_batch_norm": False,
            "model.min_side_px": 128,
            "model.max_side_px": 192,
        },
    )
    torch.manual_seed(1)
    network = build_detector(config.model, 1).eval()
    network.roi_heads.score_thresh = config.evaluation.min_score
    photos = [read_image(path) for path in sorted((drawn_dataset / "images").iterdir())[:4]]
    folder.mkdir(parents=True)
    save_file(network.state_dict(), folder / WEIGHTS, classes_metadata(config.data.classes))
    export_engine(network, resize_to_fit(photos[0], 128, 192), folder)
    info = ModelInfo(
        name="test-detector",
        architecture=config.model.architecture,
        class_names=config.data.classes,
        min_side_px=128,
        max_side_px=192,
        min_score=config.evaluation.min_score,
        threshold=0.5,
        data_version="0" * 16,
        git_commit="unknown",
        trained_at="2026-01-01T00:00:00+00:00",
        config=config.of_the_training(),
        metrics={},
        engine_parity={},
    )
    write_info(folder, info)
    engine = Engine(folder, threads=1)
    scores = np.sort(np.concatenate([engine.detect(photo).scores for photo in photos]))[::-1]
    threshold = float(scores[min(12, len(scores) - 1)])  # three boxes a photo on average
    write_info(folder, info.model_copy(update={"threshold": threshold}))
