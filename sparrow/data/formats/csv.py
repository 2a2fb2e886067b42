"""The CSV contract of the house-sparrow data set, and its spelling to ours and back.

``image_info.csv`` has a row per photo, ``bboxes/bounding_boxes.csv`` a row per box (COCO ``xywh``,
pixels). New data is in a folder of its own, with ``new_`` before both names.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from sparrow.atomic_file import write_atomic
from sparrow.boxes import xywh_to_xyxy, xyxy_to_xywh
from sparrow.data.errors import DataError
from sparrow.data.formats.csv_dialect import decode_table, dialect_of
from sparrow.data.tables import NAMED_CAMERA, XYXY, Dataset, names_cameras
from sparrow.regular_file import open_regular

INFO_CSV = ("Name", "Author", "Number_HSparrows", "Source", "License")
CAMERA_CSV = "Camera"  # the last column where a set names the camera of any photo, else none
BOXES_CSV = (
    "label_name", "bbox_x", "bbox_y", "bbox_width", "bbox_height",
    "image_name", "image_width", "image_height",
)  # fmt: skip
MAX_ROWS = 1_000_000
MAX_TABLE_BYTES = 256 * 1024**2
MAX_LINE_BYTES = 64 * 1024  # of the header and the first row
XYWH_CSV = ["bbox_x", "bbox_y", "bbox_width", "bbox_height"]
TEXT_COLUMNS = ("Name", "Author", "Source", "License", CAMERA_CSV, "label_name", "image_name")
NUMBER_COLUMNS = ("Number_HSparrows", *XYWH_CSV, "image_width", "image_height")


def table_paths(root: Path, prefix: str = "") -> tuple[Path, Path]:
    """Paths of the two tables of a set: (photos, boxes)."""
    return root / f"{prefix}image_info.csv", root / "bboxes" / f"{prefix}bounding_boxes.csv"


def read_csv_tables(root: Path, prefix: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables exactly as the files spell them: (photos, boxes), nothing checked yet.

    Raises:
        DataError: a file is missing, empty, not UTF-8 or not a CSV table.
    """
    info_path, boxes_path = table_paths(root, prefix)
    return _read_table(info_path, INFO_CSV), _read_table(boxes_path, BOXES_CSV)


def to_dataset(
    root: Path,
    info_raw: pd.DataFrame,
    boxes_raw: pd.DataFrame,
    sizes: Mapping[str, tuple[int, int]],
) -> Dataset:
    """The checked raw tables in the project's names.

    Args:
        root: folder that holds ``images/``.
        info_raw: columns ``INFO_CSV``, and ``CAMERA_CSV`` if there is one.
        boxes_raw: columns ``BOXES_CSV``.
        sizes: (width, height) in pixels by photo name, for photos the box table does not mention.

    Raises:
        DataError: a photo without boxes is not in ``sizes``.
    """
    known = dict(sizes) | _recorded_sizes(boxes_raw)
    unknown = [name for name in info_raw["Name"] if name not in known]
    if unknown:
        raise DataError(
            f"{root}: {len(unknown)} photos have no boxes, so their sizes must be read from the "
            f"files, and none was given for {unknown[0]!r}"
        )
    return Dataset(root, _images(info_raw, known), _boxes(boxes_raw))


def _recorded_sizes(boxes_raw: pd.DataFrame) -> dict[str, tuple[int, int]]:
    first = boxes_raw.drop_duplicates("image_name")
    columns = (first["image_name"], first["image_width"], first["image_height"])
    return {name: (int(w), int(h)) for name, w, h in zip(*columns, strict=True)}


def _images(info_raw: pd.DataFrame, sizes: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    images = pd.DataFrame(
        {
            "image": info_raw["Name"].astype(str).to_numpy(),
            "author": info_raw["Author"].astype(str).to_numpy(),
            "n_boxes": info_raw["Number_HSparrows"].astype("int64").to_numpy(),
            "source": info_raw["Source"].astype(str).to_numpy(),
            "license": info_raw["License"].astype(str).to_numpy(),
            "width_px": np.array([sizes[name][0] for name in info_raw["Name"]], dtype="int64"),
            "height_px": np.array([sizes[name][1] for name in info_raw["Name"]], dtype="int64"),
        }
    )
    if CAMERA_CSV not in info_raw:
        return images
    named = images.assign(**{NAMED_CAMERA: _camera_cells(info_raw).to_numpy()})
    return named if names_cameras(named) else images


def _camera_cells(info_raw: pd.DataFrame) -> pd.Series:
    return info_raw[CAMERA_CSV].fillna("").astype(str).str.strip()


def _boxes(boxes_raw: pd.DataFrame) -> pd.DataFrame:
    boxes = pd.DataFrame(
        {
            "image": boxes_raw["image_name"].astype(str).to_numpy(),
            "label": boxes_raw["label_name"].astype(str).to_numpy(),
        }
    )
    boxes[XYXY] = xywh_to_xyxy(boxes_raw[XYWH_CSV].to_numpy(dtype=float))
    return boxes


def write_csv(dataset: Dataset, root: Path, prefix: str = "") -> None:
    """Write both tables under ``root``; each file is replaced in one move, whole numbers as such.

    The photos are not copied: they belong in ``root/images``.
    """
    info, boxes = raw_tables(dataset)
    info_path, boxes_path = table_paths(root, prefix)
    boxes_path.parent.mkdir(parents=True, exist_ok=True)
    for table, path in ((boxes, boxes_path), (info, info_path)):
        quoting = quoting_of(table)
        write_atomic(path, table.to_csv(index=False, lineterminator="\n", quoting=quoting))


def quoting_of(table: pd.DataFrame) -> Literal[0, 2]:
    """How to quote a table's texts in a CSV file: all of them, if one holds a carriage return.

    It would be written bare, and end the row for any reader.
    """
    texts = table.select_dtypes(exclude="number")
    bare = any(texts[name].astype(str).str.contains("\r", regex=False).any() for name in texts)
    return 2 if bare else 0  # csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL


def raw_tables(dataset: Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The dataset in the reference's spelling: (photos, boxes)."""
    images, boxes = dataset.images, dataset.boxes
    info_columns = ["image", "author", "n_boxes", "source", "license"]
    info = images[info_columns].set_axis(list(INFO_CSV), axis=1)
    if names_cameras(images):
        info[CAMERA_CSV] = images[NAMED_CAMERA].fillna("")
    raw = pd.DataFrame({"label_name": boxes["label"].to_numpy()})
    raw[XYWH_CSV] = xyxy_to_xywh(boxes[XYXY].to_numpy(dtype=float)).round(6)
    for column in XYWH_CSV:
        if (raw[column] % 1 == 0).all():
            raw[column] = raw[column].astype("int64")
    raw["image_name"] = boxes["image"].to_numpy()
    sizes = images.set_index("image")[["width_px", "height_px"]]
    of_boxes = sizes.reindex(raw["image_name"])
    raw["image_width"] = of_boxes["width_px"].to_numpy(dtype="int64")
    raw["image_height"] = of_boxes["height_px"].to_numpy(dtype="int64")
    return info, raw


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    expected = f"expected a CSV table with the columns {', '.join(columns)}"
    try:
        with open_regular(path) as file:
            refuse_huge(path, file)
            table = _parse_table(path, file.read())
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; {expected}") from error
    except pd.errors.EmptyDataError as error:
        raise DataError(f"{path}: the file is empty; {expected}") from error
    except DataError:
        raise
    except (pd.errors.ParserError, ValueError) as error:
        raise DataError(f"{path}: not a CSV table ({error}); {expected}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(table) > MAX_ROWS:
        raise DataError(f"{path}: more than {MAX_ROWS:,} rows; split the set, or repeat no rows")
    # Spreadsheets leave rows without a single cell; a row's label still tells its line.
    blank = table.isna().all(axis=1)
    return table[~blank] if blank.any() else table


def _parse_table(path: Path, content: bytes) -> pd.DataFrame:
    text, encoding = decode_table(path, content, western=False)
    dialect = dialect_of(path, text, encoding, NUMBER_COLUMNS)
    return pd.read_csv(
        io.StringIO(text),
        sep=dialect.separator,
        decimal=dialect.decimal,
        # Only an empty cell is missing: an author may be called "NA" or "None".
        keep_default_na=False,
        na_values=[""],
        dtype=dict.fromkeys(TEXT_COLUMNS, str),  # an author may be called "007"
        skip_blank_lines=False,
        nrows=MAX_ROWS + 1,
    )


def refuse_huge(path: Path, file: BinaryIO) -> None:
    """Bound the memory that reading a table takes, whatever the table.

    Raises:
        DataError: it is larger than ``MAX_TABLE_BYTES``, or one of its first two lines is too long.
    """
    size = os.fstat(file.fileno()).st_size
    if size > MAX_TABLE_BYTES:
        raise DataError(
            f"{path}: {size / 1024**2:,.0f} MiB; a table has at most {MAX_TABLE_BYTES // 1024**2}"
        )
    head = file.read(2 * MAX_LINE_BYTES)
    file.seek(0)
    # The first two lines say how many cells a row has: pandas makes a column of each.
    if any(len(line) > MAX_LINE_BYTES for line in head.split(b"\n", 2)[:2]):
        raise DataError(
            f"{path}: a line is longer than {MAX_LINE_BYTES // 1024} KiB; expected a header and "
            "a line for each row"
        )
