"""A model's training distribution holds textures of its release: later ones compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from compatibility.textures import pictures

from sparrow.photo_texture import photo_texture

MADE_BEFORE = Path(__file__).parent / "textures_46344d5.npz"


@pytest.mark.parametrize("name", pictures())
def test_a_photo_has_the_texture_that_it_had(name: str) -> None:
    """To rounding: the statistics of two photos differ by 0.1 and more."""
    with np.load(MADE_BEFORE) as before:
        np.testing.assert_allclose(photo_texture(pictures()[name]), before[name], atol=1e-4)
