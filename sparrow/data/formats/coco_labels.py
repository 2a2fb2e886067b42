"""COCO instances JSON as tools write it: one file or several, ids of any type, polygons, crowds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import finite
from sparrow.data.formats.coco_file import (
    KEYS,
    CocoFile,
    Item,
    id_of,
    polygon_box,
    read_file,
    value_of,
)
from sparrow.data.formats.described import (
    DescribedBox,
    DescribedPhoto,
    DescribedSet,
    PhotoName,
    Remark,
)
from sparrow.data.formats.source_files import SourceFiles
from sparrow.data.formats.whole_photos import WholePhoto, unboxed_photos
from sparrow.data.review_labels import refuse_untouched_beside
from sparrow.data.tables import UNKNOWN

# Official COCO has these beside instances_*.json, about the same photos.
_OTHER_TASKS = ("captions_", "person_keypoints_", "stuff_", "panoptic_", "image_info_")


def find_labels(files: SourceFiles) -> list[str]:
    """The COCO files of a set, without those of other tasks about the same photos."""
    named = []
    for name in files.with_suffix(".json"):
        try:
            tree = files.json(name)
        except DataError:
            continue
        if isinstance(tree, dict) and all(isinstance(tree.get(key), list) for key in KEYS):
            named.append(name)
    with_boxes = {_folder(name) for name in named if _last(name).startswith("instances")}
    return [
        name
        for name in named
        if not (_folder(name) in with_boxes and _last(name).startswith(_OTHER_TASKS))
    ]


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all COCO files of a set say.

    Raises:
        DataError: there is none, one is damaged, an id points nowhere, a value is none.
    """
    names = find_labels(files)
    rest = [name for name in files.with_suffix(".json") if name not in names]
    for name in rest:
        tree = files.json(name)
        if not names:
            read_file(name, tree)  # says what is missing
    if not names:
        raise DataError(f"{files.root}: expected a COCO instances file (*.json) somewhere in it")
    remarks = [Remark("JSON files are no COCO boxes and were not read", name) for name in rest]
    photos: list[DescribedPhoto] = []
    for name in names:
        refuse_untouched_beside(files.path(name))
        coco = read_file(name, files.json(name))
        photos += describe(coco, _photo_folders(name))
        remarks += coco.remarks
    of_queue = _last(names[0]) != names[0] or "queue.csv" not in files.names
    return DescribedSet(names, photos, remarks, photos_below="" if of_queue else "images")


def describe(coco: CocoFile, folders: tuple[str, ...] = ()) -> Iterator[DescribedPhoto]:
    """The photos of a file with their boxes.

    Args:
        coco: the file.
        folders: where its photos are looked for first.

    Raises:
        DataError: an id is missing, occurs twice or points nowhere; a value is no number.
    """
    # CVAT's exports have a licence without a name.
    licenses = {id_of(i.get("id")): str(i.get("name") or UNKNOWN) for i in coco.licenses}
    boxes = _boxes(coco)
    boxed = {photo: {box.label for box in some} for photo, some in boxes.items() if some}
    unboxed = unboxed_photos(coco.whole_photos, boxed)
    for photo in coco.images:
        where = coco.where(photo)
        yield DescribedPhoto(
            PhotoName(str(value_of(coco, photo, "file_name")), folders),
            where,
            boxes[id_of(photo["id"])],
            size=_size(photo, where),
            author=str(photo.get("author") or UNKNOWN),
            source=str(photo.get("source") or UNKNOWN),
            license=licenses.get(id_of(photo.get("license")), UNKNOWN),
            camera=_location(photo),
            unboxed=id_of(photo["id"]) in unboxed,
        )


def _location(photo: Mapping[str, Any]) -> str:  # of JSON
    """Where the photo's camera was, as COCO Camera Traps and exports of ours name it."""
    location = photo.get("location")
    known = isinstance(location, str | int) and not isinstance(location, bool)
    return str(location).strip() if known else ""


def _boxes(coco: CocoFile) -> dict[str, list[DescribedBox]]:
    """Boxes of each photo, by its id."""
    categories = _categories(coco)
    boxes: dict[str, list[DescribedBox]] = {}
    for photo in coco.images:
        photo_id = id_of(value_of(coco, photo, "id"))
        if photo_id in boxes:
            raise DataError(f"{coco.name}: image id {photo['id']!r} occurs twice")
        boxes[photo_id] = []
    for item in coco.annotations:
        photo_id = id_of(value_of(coco, item, "image_id"))
        if photo_id not in boxes:
            raise DataError(f"{coco.where(item)}: there is no image {item['image_id']!r}")
        box = _box(coco, item, categories)
        if box:
            boxes[photo_id].append(box)
        else:
            what = "annotations without a box were left out: they are about a whole photo"
            coco.remarks.append(Remark(what, coco.where(item)))
            if item.get("bbox") is None:  # an empty list says that there is none
                label = categories[id_of(item["category_id"])]
                coco.whole_photos.append(WholePhoto(photo_id, label, coco.where(item)))
    return boxes


def _categories(coco: CocoFile) -> dict[str, str]:
    """Category names by id.

    Roboflow names the group of its classes like one of them; no box has that category.
    """
    names: dict[str, str] = {}
    for item in coco.categories:
        category, name = id_of(value_of(coco, item, "id")), str(value_of(coco, item, "name"))
        if names.setdefault(category, name) != name:
            raise DataError(
                f"{coco.name}: category id {item['id']!r} is both {names[category]!r} and {name!r}"
            )
    used: dict[str, set[str]] = defaultdict(set)
    for category in {id_of(item.get("category_id")) for item in coco.annotations} & names.keys():
        used[names[category]].add(category)
    for name, ids in used.items():
        if len(ids) > 1:
            raise DataError(
                f"{coco.name}: the categories {' and '.join(sorted(ids))} are both called "
                f"{name!r}, and boxes have either; expected one, or two names: correct the file"
            )
    return names


def _box(coco: CocoFile, item: Item, categories: Mapping[str, str]) -> DescribedBox | None:
    """The box of an annotation, of its polygon where it has no other; None where it has neither."""
    where = coco.where(item)
    category = id_of(value_of(coco, item, "category_id"))
    if category not in categories:
        raise DataError(f"{where}: there is no category {item['category_id']!r}")
    bbox = item.get("bbox")
    if bbox is None or bbox == []:
        xyxy = polygon_box(item.get("segmentation"), where)
        if xyxy is None:
            return None
        coco.remarks.append(Remark("boxes were made from polygons", where))
    else:
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise DataError(f"{where}: expected bbox [x, y, width, height], found {bbox!r}")
        x, y, width, height = finite(bbox, where)
        xyxy = (x, y, x + width, y + height)
    return DescribedBox(categories[category], xyxy, where, crowd=_is_crowd(item, where))


def _is_crowd(item: Item, where: str) -> bool:
    said = item.get("iscrowd")
    return said is True or (said not in (None, False) and finite([said], where) != [0])


def _size(photo: Item, where: str) -> tuple[int, int] | None:
    said = (photo.get("width"), photo.get("height"))
    if said == (None, None):
        return None
    width, height = finite(said, where)
    return (int(width), int(height)) if width > 0 and height > 0 else None


def _photo_folders(name: str) -> tuple[str, ...]:
    """Where tools keep the photos of a COCO file: a part's folder, beside the file, ``images``."""
    folder = PurePosixPath(name).parent
    part = PurePosixPath(name).stem.rpartition("_")[2]
    places = [folder] if folder == PurePosixPath() else [folder, folder.parent]
    paths = [place / inner for place in places for inner in (f"images/{part}", part)]
    paths += [place / inner for place in places for inner in ("images", "JPEGImages", "")]
    return tuple("" if str(path) == "." else str(path) for path in paths)


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent)


def _last(name: str) -> str:
    return PurePosixPath(name).name
