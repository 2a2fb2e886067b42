"""The 80 classes that detectors trained on COCO know, and groups of them under one name."""

from __future__ import annotations

from collections.abc import Sequence

from sparrow.nearest_name import nearest_name

# In COCO's order, which every detector's scores are in.
COCO_CLASSES = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard", "cell phone",
    "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip
ANIMALS = COCO_CLASSES[14:24]  # bird to giraffe
COCO_GROUPS = {"any-animal": ANIMALS}


def read_class_map(pairs: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """A person's classes, each with the COCO classes that count as it.

    Args:
        pairs: ``NAME=COCO,COCO``; a group stands for its classes, and a name may come again.

    Raises:
        ValueError: a pair without ``=``, a class that COCO does not have, or one that would count
            as two of the person's: its objects would be counted twice.
    """
    counted_as: dict[str, tuple[str, ...]] = {}
    for pair in pairs:
        name, equals, taken = (part.strip() for part in pair.partition("="))
        if not (name and equals and taken):
            raise ValueError(
                f"--map {pair}: expected NAME=COCO, such as bird=bird or bird=any-animal"
            )
        classes = [
            coco_class for word in taken.split(",") for coco_class in _classes_of(word.strip())
        ]
        counted_as[name] = tuple(dict.fromkeys([*counted_as.get(name, ()), *classes]))
    for coco_class in COCO_CLASSES:
        owners = [name for name, classes in counted_as.items() if coco_class in classes]
        if len(owners) > 1:
            raise ValueError(
                f"--map: COCO's {coco_class} would count as {' and as '.join(owners)}, and each "
                "such object twice; give it to one of them"
            )
    return counted_as


def coco_words(classes: Sequence[str]) -> str:
    """COCO classes as a list; a whole group by its name, with what it holds."""
    for name, members in COCO_GROUPS.items():
        if set(members) == set(classes):
            return f"{name} ({', '.join(members)})"
    return ", ".join(classes)


def _classes_of(word: str) -> tuple[str, ...]:
    if word in COCO_GROUPS:
        return COCO_GROUPS[word]
    if word in COCO_CLASSES:
        return (word,)
    near = nearest_name(word, (*COCO_CLASSES, *COCO_GROUPS))
    hint = f"did you mean {near}? " if near else ""
    raise ValueError(
        f"--map: COCO has no class {word!r}; {hint}It has {', '.join(COCO_CLASSES)}; "
        f"{', '.join(COCO_GROUPS)} stands for several"
    )
