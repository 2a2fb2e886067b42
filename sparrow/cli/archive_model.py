"""The model of an archive's workers: a folder that all see, or objects that each fetches once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from sparrow.cli.archive_source import S3
from sparrow.inference.model_folder import INFO, ModelFolderError, read_info
from sparrow.served_settings import UNPUBLISHED, ServedSettings, write_served_settings
from sparrow.storage.object_store import ObjectMissingError, open_store

MODELS = "models"


def send_model(folder: Path, store_url: str, sha256: str) -> str:
    """Put a model folder into a store, for workers that do not see this machine's files.

    Args:
        folder: a whole model folder.
        store_url: of the state.
        sha256: of its ``model.json``.

    Returns:
        Its address. What is there already is not sent again.
    """
    below = f"{MODELS}/{sha256[:32]}"
    store = open_store(store_url)
    there = store.sizes(below)
    for name in (*read_info(folder).files, INFO):  # the latter says what the others are
        key = f"{below}/{name}"
        if there.get(key) != (folder / name).stat().st_size:
            store.write_from(key, folder / name)
    return f"{store_url}/{below}"


@lru_cache(maxsize=1)
def local_model(place: str, version: str) -> Path:
    """The model as a folder of this machine: fetched once by this process, removed at its end.

    Args:
        place: a folder's path, or an address of S3.
        version: that it is registered under; counts tell it.

    Raises:
        ModelFolderError: there is no model at the address.
        StoreError: the store cannot be reached.
    """
    if not place.startswith(S3):
        return Path(place)
    store, home = open_store(place), Path(tempfile.mkdtemp(prefix="sparrow-model-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    folder = home / (version if version.isdigit() else "model")
    folder.mkdir()
    try:
        (folder / INFO).write_bytes(store.read(INFO))
        for name in store.sizes(""):
            (folder / name).write_bytes(store.read(name))
    except ObjectMissingError:
        raise ModelFolderError(f"{place}: there is no {INFO}; this is no model folder") from None
    if version not in (folder.name, UNPUBLISHED):
        settings = ServedSettings(name=read_info(folder, verify=False).name, version=version)
        write_served_settings(folder, settings)
    return folder
