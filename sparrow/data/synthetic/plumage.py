"""What each kind of bird looks like: colours, proportions, and how individuals differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Plumage:
    """Colours (RGB) and proportions of a kind of bird; lengths in units of its own size."""

    crown: Colour
    nape: Colour
    cheek: Colour
    throat: Colour
    breast: Colour
    belly: Colour
    back: Colour
    streak: Colour
    wing: Colour
    flight: Colour
    bar: Colour
    tail: Colour
    bill: Colour
    leg: Colour
    lore: Colour | None = None  # dark line through the eye
    brow: Colour | None = None  # pale line above the eye
    bib: float = 0.0  # how far the throat's colour runs down the breast, 0..1
    streaks: float = 1.0  # strength of the marks on the back
    head: float = 0.148
    bill_length: float = 0.10
    bill_depth: float = 0.95
    tail_length: float = 0.34
    plump: float = 1.0
    size: float = 1.0  # relative to a house sparrow
    eye_ring: Colour | None = None


MALE = Plumage(
    crown=(122, 120, 118), nape=(128, 66, 34), cheek=(206, 202, 194), throat=(30, 26, 25),
    breast=(172, 166, 158), belly=(188, 183, 174), back=(146, 92, 52), streak=(52, 36, 26),
    wing=(150, 84, 42), flight=(84, 62, 46), bar=(238, 232, 220), tail=(86, 68, 54),
    bill=(44, 42, 44), leg=(178, 126, 104), lore=(30, 26, 25), bib=0.75,
)  # fmt: skip
FEMALE = Plumage(
    crown=(132, 110, 86), nape=(142, 120, 94), cheek=(176, 160, 138), throat=(190, 176, 154),
    breast=(178, 162, 140), belly=(194, 182, 164), back=(158, 128, 92), streak=(70, 52, 36),
    wing=(152, 116, 78), flight=(98, 76, 56), bar=(226, 214, 192), tail=(104, 84, 64),
    bill=(186, 150, 100), leg=(184, 134, 110), lore=(112, 90, 68), brow=(216, 200, 170),
)  # fmt: skip
BLUE_TIT = Plumage(
    crown=(58, 124, 196), nape=(70, 110, 160), cheek=(240, 244, 244), throat=(36, 46, 84),
    breast=(240, 210, 66), belly=(246, 222, 96), back=(122, 150, 84), streak=(110, 138, 80),
    wing=(70, 124, 188), flight=(52, 92, 150), bar=(240, 244, 246), tail=(62, 112, 180),
    bill=(50, 52, 58), leg=(84, 98, 122), lore=(28, 36, 66), bib=0.1, streaks=0.2,
    head=0.15, bill_length=0.055, bill_depth=0.6, tail_length=0.28, size=0.85,
)  # fmt: skip
ROBIN = Plumage(
    crown=(120, 106, 78), nape=(128, 116, 92), cheek=(222, 104, 40), throat=(226, 100, 34),
    breast=(224, 106, 44), belly=(232, 226, 214), back=(122, 108, 80), streak=(112, 98, 72),
    wing=(116, 100, 72), flight=(98, 84, 62), bar=(140, 122, 90), tail=(110, 94, 68),
    bill=(54, 46, 42), leg=(150, 98, 74), bib=1.0, streaks=0.1,
    bill_length=0.075, bill_depth=0.45, tail_length=0.32, plump=1.12, size=0.95,
)  # fmt: skip
BLACKBIRD = Plumage(
    crown=(28, 27, 30), nape=(28, 27, 30), cheek=(34, 33, 36), throat=(30, 29, 32),
    breast=(34, 33, 36), belly=(40, 39, 42), back=(26, 25, 28), streak=(38, 37, 42),
    wing=(32, 30, 33), flight=(22, 21, 24), bar=(40, 38, 42), tail=(22, 21, 24),
    bill=(240, 164, 32), leg=(86, 66, 52), streaks=0.4, eye_ring=(238, 176, 52),
    head=0.128, bill_length=0.13, bill_depth=0.5, tail_length=0.48, plump=0.92, size=1.5,
)  # fmt: skip
PIGEON = Plumage(
    crown=(112, 122, 142), nape=(78, 128, 118), cheek=(118, 128, 148), throat=(96, 118, 132),
    breast=(160, 138, 152), belly=(164, 170, 184), back=(150, 158, 174), streak=(142, 150, 168),
    wing=(168, 176, 190), flight=(104, 110, 126), bar=(58, 62, 74), tail=(92, 98, 114),
    bill=(96, 88, 92), leg=(206, 92, 92), bib=0.5, streaks=0.2,
    head=0.108, bill_length=0.085, bill_depth=0.55, tail_length=0.36, plump=1.12, size=1.9,
)  # fmt: skip
SPECIES: dict[str, tuple[Plumage, ...]] = {
    "house_sparrow": (MALE, FEMALE),
    "blue_tit": (BLUE_TIT,),
    "robin": (ROBIN,),
    "blackbird": (BLACKBIRD,),
    "pigeon": (PIGEON,),
}


def individual(bird: Plumage, rng: np.random.Generator, puffed: float) -> Plumage:
    """No two birds alike: brightness, warmth, bib and girth vary."""
    light = float(rng.uniform(0.88, 1.12))
    warmth = np.array([1.0, 1.0, 1.0]) + rng.uniform(-0.035, 0.035, 3)
    changed: dict[str, Colour] = {}
    for part in ("crown", "nape", "cheek", "breast", "belly", "back", "wing", "flight", "tail"):
        channels = (np.array(getattr(bird, part)) * light * warmth).clip(0, 255)
        changed[part] = (int(channels[0]), int(channels[1]), int(channels[2]))
    bib = min(1.0, bird.bib * float(rng.uniform(0.7, 1.2)))
    plump = bird.plump * float(rng.uniform(0.94, 1.08)) * (1 + 0.2 * puffed)
    return replace(bird, **changed, bib=bib, plump=plump, head=bird.head * (1 + 0.04 * puffed))  # type: ignore[arg-type]


def dim(bird: Plumage, factor: float) -> Plumage:
    """With darker wings, as the far one is."""
    return replace(
        bird,
        wing=scaled(bird.wing, factor),
        flight=scaled(bird.flight, factor),
        bar=scaled(bird.bar, factor),
    )


def scaled(colour: Colour, factor: float) -> Colour:
    """Brighter (a factor above 1) or darker."""
    r, g, b = (min(255, int(c * factor)) for c in colour)
    return r, g, b


def mixed(a: Colour, b: Colour, fraction_b: float) -> Colour:
    """A blend of two colours; ``fraction_b`` 0 is the first, 1 the second."""
    r, g, bl = (int(x + (y - x) * fraction_b) for x, y in zip(a, b, strict=True))
    return r, g, bl
