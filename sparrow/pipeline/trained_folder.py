"""The model folder between training and promotion: as training left it, and whole."""

from __future__ import annotations

from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.inference.model_folder import INFO, ModelFolderError, ModelInfo, read_info
from sparrow.shipped import flow_command

MODEL = "model"
TRAINED = "trained.json"  # ``model.json`` as training left it, before it was evaluated


def keep_trained_info(work_dir: Path) -> None:
    """Copy ``model.json`` out of the folder, for ``reset_model_folder``."""
    write_atomic(work_dir / TRAINED, (work_dir / MODEL / INFO).read_text(encoding="utf-8"))


def reset_model_folder(work_dir: Path) -> None:
    """The model folder as training left it: what an evaluation that was killed wrote is taken back,
    and with it the hashes of half of its files.

    Raises:
        ModelFolderError: the folder is damaged; the message says how to make it anew.
    """
    folder, made = work_dir / MODEL, work_dir / TRAINED
    if made.is_file() and folder.is_dir():  # a run begun by an older release has no such file
        trained = made.read_text(encoding="utf-8")
        kept = ModelInfo.model_validate_json(trained).files
        for path in folder.iterdir():
            if path.name not in kept:
                path.unlink()
        write_atomic(folder / INFO, trained)
    check_model_folder(work_dir)


def check_model_folder(work_dir: Path) -> None:
    """Refuse a model folder that was damaged since the step before.

    Raises:
        ModelFolderError: it was; the message says how to make it anew.
    """
    try:
        read_info(work_dir / MODEL)
    except ModelFolderError as error:
        fault = str(error).replace("; restore the folder from the registry", "")
        raise ModelFolderError(
            f"{fault}. The model was damaged after it was trained; make it anew from its "
            f"checkpoint: {flow_command('train')} resume train"
        ) from None
