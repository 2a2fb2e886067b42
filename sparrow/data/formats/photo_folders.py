"""Where tools keep the photos of a label file that is about one photo."""

from __future__ import annotations

from pathlib import PurePosixPath

_LABEL_FOLDERS = {"labels", "label", "annotations", "annotation", "xml", "xmls"}
_PHOTO_FOLDERS = ("images", "JPEGImages")


def photo_folders(label_file: str) -> tuple[str, ...]:
    """Folders to look into first: the label file's own, and its counterpart for photos.

    ``labels/train/a.txt`` belongs to ``images/train``, ``Annotations/site1/b.xml`` to
    ``JPEGImages/site1``; of several such parts the innermost counts.

    Args:
        label_file: relative to the set, with "/" between folders.
    """
    parts = PurePosixPath(label_file).parent.parts
    folders = []
    for index in reversed(range(len(parts))):
        if parts[index].lower() in _LABEL_FOLDERS:
            before, after = parts[:index], parts[index + 1 :]
            folders += [(*before, name, *after) for name in _PHOTO_FOLDERS]
            folders.append((*before, *after))
    return tuple("/".join(folder) for folder in [parts, *folders])
