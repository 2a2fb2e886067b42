"""Bring the house-sparrow data set from Kaggle, and unpack archives that cannot write elsewhere."""

from __future__ import annotations

import contextlib
import io
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.csv import table_paths
from sparrow.data.ingest.atomic_dir import file_lock, replace_directory
from sparrow.regular_file import open_regular

KAGGLE_SET = "data42lana/house-sparrow-detection"
MAX_BYTES = 20 * 1024**3  # unpacked; the set itself is far below one
MAX_FILES = 1_000_000

NO_ACCESS = (
    f"The set is at kaggle.com/datasets/{KAGGLE_SET}. Either make a token at "
    "kaggle.com/settings/api and put it into ~/.kaggle/access_token or KAGGLE_API_TOKEN, or "
    "download the archive with a browser and run: sparrow data download --archive FILE.zip"
)


def download_dataset(into: Path, archive: Path | None = None) -> Path:
    """Make ``into`` the house-sparrow set, in one step.

    Args:
        into: the set's folder; it must hold no set yet.
        archive: the zip file if it is there already; None fetches it through Kaggle's client, which
            shows its progress.

    Returns:
        ``into``; its data is as downloaded, and still to be checked.

    Raises:
        DataError: ``into`` holds a set, there is no access, or the archive is damaged, holds no set
            or would write outside its folder.
    """
    with file_lock(into):
        if into.exists() and any(into.iterdir()):
            raise DataError(f"{into}: holds files already; remove them or choose another folder")
        return _download(into, archive)


def _download(into: Path, archive: Path | None) -> Path:
    with replace_directory(into) as place:
        if archive is None:
            archive = _fetch(place)
        unpacked = place / ".unpacked"
        unpack(archive, unpacked)
        _take_set(unpacked, place)
        shutil.rmtree(unpacked)
        if archive.parent == place:
            archive.unlink()
    return into


def unpack(archive: Path, into: Path) -> None:
    """Unpack a zip file into a new folder; nothing is written before every member was looked at.

    Raises:
        DataError: not a zip file, damaged, encrypted, absurdly large, or a member that is no plain
            file below the folder (absolute, with "..", a link, a device).
    """
    try:
        with open_regular(archive) as file, zipfile.ZipFile(file) as members:
            _refuse_bad_members(archive, members.infolist())
            into.mkdir(parents=True)
            members.extractall(into)
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{archive}: there is no such file") from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise DataError(f"{archive}: not a usable zip file ({error})") from error
    except OSError as error:
        raise DataError(f"{archive}: cannot be unpacked ({error.strerror or error})") from error
    except Exception as error:  # zlib and lzma have errors of their own
        raise DataError(f"{archive}: damaged ({error})") from error


def _refuse_bad_members(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES:
        raise DataError(f"{archive}: {len(members):,} files; at most {MAX_FILES:,} are accepted")
    size = sum(member.file_size for member in members)
    if size > MAX_BYTES:
        raise DataError(f"{archive}: {size:,} bytes unpacked; at most {MAX_BYTES:,} are accepted")
    for member in members:
        name = member.filename.replace("\\", "/")
        path = PurePosixPath(name)
        kind = stat.S_IFMT(member.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG, stat.S_IFDIR) and not member.flag_bits & 1
        below = not path.is_absolute() and ".." not in path.parts and ":" not in name
        if not (plain and below and name.isprintable()):
            reason = "leads outside its folder" if not below else "is no plain, open file"
            raise DataError(f"{archive}: member {member.filename!r} {reason}; nothing was unpacked")


def _take_set(unpacked: Path, place: Path) -> None:
    """Move the one set in a tree to where a set belongs."""
    info_name, boxes_path = (path for path in table_paths(Path()))
    roots = [path.parent for path in unpacked.rglob(info_name.name)]
    roots = [root for root in roots if (root / boxes_path).exists() and (root / "images").is_dir()]
    if len(roots) != 1:
        raise DataError(
            f"the archive holds {len(roots)} sets; expected one folder with images/, {info_name} "
            f"and {boxes_path}"
        )
    for part in roots[0].iterdir():
        part.rename(place / part.name)


def _fetch(place: Path) -> Path:
    """Download the archive into a folder through Kaggle's own client."""
    try:
        # Imported or asked without a token it prints a page of advice and ends the program.
        with contextlib.redirect_stdout(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
    except ImportError as error:
        missing = "Kaggle's client is not installed; in a clone of this project: make setup."
        raise DataError(f"{missing} {NO_ACCESS}") from error
    except SystemExit as error:
        raise DataError(f"Kaggle wants an access token, and there is none. {NO_ACCESS}") from error
    except Exception as error:  # of its many kinds, those of OAuth and of broken files among them
        raise DataError(f"Kaggle refused the access token ({error}). {NO_ACCESS}") from error
    try:
        client.dataset_download_files(KAGGLE_SET, path=str(place), quiet=False, unzip=False)
    except (Exception, SystemExit) as error:
        raise DataError(f"Kaggle gave nothing ({error}). {NO_ACCESS}") from error
    return place / f"{KAGGLE_SET.split('/')[1]}.zip"
