"""The contract's two tables as a set to import, in whatever dialect a spreadsheet saved them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from sparrow.data.errors import DataError
from sparrow.data.formats.csv import BOXES_CSV, CAMERA_CSV, INFO_CSV, XYWH_CSV, table_paths
from sparrow.data.formats.csv_cells import Cells, Row, number, read_cells
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.tables import UNKNOWN

_INFO, _BOXES = (path.as_posix() for path in table_paths(Path()))
_SIZE_CSV = ("image_width", "image_height")


def contract_tables(files: SourceFiles) -> tuple[str, str] | None:
    """Both tables, in the set's folder or in the one folder below that has them."""
    names = set(files.names)
    roots = [str(PurePosixPath(name).parent) for name in files.called(_INFO)]
    pairs = [
        (str(PurePosixPath(root) / _INFO), str(PurePosixPath(root) / _BOXES)) for root in roots
    ]
    there = [pair for pair in pairs if {*pair} & names]
    own = [pair for pair in there if pair[0] == _INFO]
    if own or len(there) == 1:
        return (own or there)[0]
    # One of both, so that the other is missed and named.
    return (_INFO, _BOXES) if _BOXES in names else None


def parse_contract(files: SourceFiles, info: str, boxes: str) -> DescribedSet:
    """What both tables say.

    Raises:
        DataError: a table or a column is missing, a cell is no number, a box is of a photo that is
            not listed, the number of boxes is another than stated.
    """
    remarks: list[Remark] = []
    photos = _listed(_table(files, info, INFO_CSV, remarks))
    by_photo = _boxes(_table(files, boxes, BOXES_CSV, remarks), photos, info)
    folder = str(PurePosixPath(info).parent / "images")
    described = []
    for name, (row, cells) in photos.items():
        photo = _describe(row, cells, by_photo.get(name, []), folder)
        described.append(photo)
    return DescribedSet((info, boxes), described, remarks, photos_below=folder)


class _Table:
    """A table with its columns by name."""

    def __init__(self, cells: Cells, columns: tuple[str, ...]) -> None:
        self.cells = cells
        header = [cell.strip() for cell in cells.rows[0].cells] if cells.rows else []
        missing = [column for column in columns if column not in header]
        if missing:
            raise DataError(
                f"{cells.name}: there is no column {', '.join(map(repr, missing))} in the tables; "
                f"expected {', '.join(columns)}, found {', '.join(header) or 'nothing'} "
                f"(separated by {cells.dialect.separator!r})"
            )
        known = [*columns, *({CAMERA_CSV} & {*header} if columns == INFO_CSV else ())]
        self._index = {column: header.index(column) for column in known}
        self.rows = cells.rows[1:]
        self.unread = [name for name in header if name and name not in known]

    def text(self, row: Row, column: str) -> str:
        """A cell; "" in a column that may be missing and is."""
        return row.cells[self._index[column]] if column in self._index else ""

    def number(self, row: Row, column: str) -> float:
        return number(self.text(row, column), self.cells.dialect, f"{row.where}, {column}")


def _table(
    files: SourceFiles, name: str, columns: tuple[str, ...], remarks: list[Remark]
) -> _Table:
    if name not in files.names:
        expected = f"expected a CSV table with the columns {', '.join(columns)}"
        raise DataError(f"{files.path(name)}: there is no such file; {expected}")
    table = _Table(read_cells(files, name), columns)
    if table.cells.dialect.encoding == "cp1252":
        remarks.append(Remark("tables are not UTF-8 and were read as Windows-1252", name))
    remarks += [Remark("columns were not read", f"{column} of {name}") for column in table.unread]
    return table


def _listed(table: _Table) -> dict[str, tuple[Row, _Table]]:
    photos: dict[str, tuple[Row, _Table]] = {}
    for row in table.rows:
        name = table.text(row, "Name").strip()
        if not name:
            raise DataError(f"{row.where}: expected a photo's name, found none")
        if name in photos:
            raise DataError(
                f"{row.where}: the photo {name!r} is described twice, also in "
                f"{photos[name][0].where}; remove one row"
            )
        photos[name] = (row, table)
    return photos


def _boxes(
    table: _Table, photos: dict[str, tuple[Row, _Table]], info: str
) -> dict[str, list[tuple[DescribedBox, tuple[int, int]]]]:
    boxes: dict[str, list[tuple[DescribedBox, tuple[int, int]]]] = {}
    for row in table.rows:
        name, label = table.text(row, "image_name").strip(), table.text(row, "label_name").strip()
        if name not in photos:
            raise DataError(
                f"{row.where}: the box is of {name!r}, which {info} does not list; add the photo "
                "there, or remove the box"
            )
        if not label:
            raise DataError(f"{row.where}: has a box and no class")
        x, y, width, height = (table.number(row, column) for column in XYWH_CSV)
        size = tuple(int(table.number(row, column)) for column in _SIZE_CSV)
        box = DescribedBox(label, (x, y, x + width, y + height), row.where)
        boxes.setdefault(name, []).append((box, (size[0], size[1])))
    return boxes


def _describe(
    row: Row, table: _Table, boxes: list[tuple[DescribedBox, tuple[int, int]]], folder: str
) -> DescribedPhoto:
    stated = table.text(row, "Number_HSparrows")
    if stated.strip() and table.number(row, "Number_HSparrows") != len(boxes):
        raise DataError(
            f"{row.where}: says {stated.strip()} objects, but {len(boxes)} boxes are listed"
        )
    sizes = {size: box.where for box, size in boxes}
    if len(sizes) > 1:
        said = " and ".join(f"{w} × {h} ({where})" for (w, h), where in sizes.items())
        raise DataError(f"{row.where}: the photo has two sizes: {said}; correct one")
    author, source, license_ = (
        table.text(row, column) if table.text(row, column).strip() else UNKNOWN
        for column in ("Author", "Source", "License")
    )
    return DescribedPhoto(
        PhotoName(table.text(row, "Name"), (folder,)),
        row.where,
        [box for box, _ in boxes],
        size=next(iter(sizes), None),
        author=author,
        source=source,
        license=license_,
        camera=table.text(row, CAMERA_CSV).strip(),
    )
