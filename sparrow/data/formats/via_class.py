"""Which attribute of VIA's regions is the class, and what it says of a region."""

from __future__ import annotations

from collections.abc import Sequence

from sparrow.data.errors import DataError
from sparrow.data.formats.described import Remark
from sparrow.data.formats.json_values import Item, text_of

# Attributes that are called so are the class, whatever others there are.
_CLASS_NAMES = ("class", "class_name", "label", "category", "species")


def class_attribute(name: str, regions: Sequence[Item], chosen: str, remarks: list[Remark]) -> str:
    """The attribute that is the class: a person's choice, the only one, the only one called so.

    Args:
        name: of the file.
        regions: the attributes of each region.
        chosen: by a person; "" is no choice.
        remarks: gets the attributes that are not the class.

    Raises:
        DataError: there is none, or none among several can be told from the others.
    """
    names = sorted({str(key) for region in regions for key in region})
    called_so = _called_so(name, names, chosen)
    if len(names) > 1 and len(called_so) == 1:
        others = ", ".join(key for key in names if key != called_so[0])
        what = f"files have attributes besides {called_so[0]!r}, which were left out: {others}"
        remarks.append(Remark(what, name))
        return called_so[0]
    if len(names) > 1:
        raise DataError(
            f"{name}: the regions have several attributes ({', '.join(names)}), and which of them "
            "is the class cannot be told; name it: --class-attribute NAME"
        )
    if regions and not names:
        raise DataError(
            f"{name}: the regions have no attribute that names their class; add one in VIA "
            "(Attributes, Region Attributes), and export again"
        )
    return names[0] if names else "class"


def _called_so(name: str, names: Sequence[str], chosen: str) -> list[str]:
    """The attributes that are called as a class is, or the one that a person chose."""
    if not chosen:
        return [key for key in names if key.strip().lower() in _CLASS_NAMES]
    if names and chosen not in names:
        raise DataError(
            f"{name}: the regions have no attribute {chosen!r} (--class-attribute), but "
            f"{', '.join(names)}"
        )
    return [chosen]


def class_of(attributes: Item, attribute: str, where: str) -> str:
    """The class of a region; a checkbox must have exactly one tick.

    Raises:
        DataError: there is none, or several.
    """
    value = attributes.get(attribute)
    if isinstance(value, dict):
        ticked = [str(key) for key, tick in value.items() if tick not in (False, "", None, 0)]
        if len(ticked) != 1:
            classes = ", ".join(ticked) or "none"
            raise DataError(f"{where}: expected one class in {attribute!r}, found {classes}")
        return ticked[0].strip()
    if value in (None, ""):
        raise DataError(f"{where}: has no class: its attribute {attribute!r} is empty")
    return text_of(value, f"{where}, {attribute!r}")
