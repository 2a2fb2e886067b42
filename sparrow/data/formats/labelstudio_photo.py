"""The photo of a Label Studio task: which part of the task's data names it."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from sparrow.data.errors import DataError
from sparrow.data.formats.described import PhotoName
from sparrow.data.formats.labelstudio_tasks import Task
from sparrow.photo_names import has_photo_suffix


def photo_name(task: Task) -> PhotoName:
    """The name of a task's photo, as a path, an address or a file's name.

    Raises:
        DataError: the task shows no photo, or several.
    """
    texts = {key: value for key, value in task.data.items() if isinstance(value, str) and value}
    inside = [key for key, value in texts.items() if value.startswith("data:")]
    if inside:
        raise DataError(
            f"{task.where}: the photo itself is in the text of {inside[0]!r}; expected a file's "
            "name: save the photos as files, and write their names there"
        )
    named = {key: value for key, value in texts.items() if _names_photo(value)}
    if len(named) > 1:
        raise DataError(
            f"{task.where}: shows several photos ({', '.join(named)}); expected one photo a task"
        )
    if named:
        return PhotoName(next(iter(named.values())))
    if task.upload:
        return PhotoName(task.upload)
    if len(texts) == 1:  # a photo without a suffix
        return PhotoName(next(iter(texts.values())))
    keys = ", ".join(map(str, task.data)) or "nothing"
    raise DataError(f"{task.where}: expected a photo's name in its data, found {keys}")


def _names_photo(text: str) -> bool:
    """Whether a path, an address, or the ``d`` in its query ends like a photo's name."""
    try:
        address = urlsplit(text)
        ends = [address.path, unquote(address.path), *parse_qs(address.query).get("d", ())]
    except ValueError:  # no address after all
        ends = []
    return any(map(has_photo_suffix, (text, *ends)))
