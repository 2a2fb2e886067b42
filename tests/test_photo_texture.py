"""Statistics of colour and fine structure: finite for every photo, and their known answers."""

from __future__ import annotations

import numpy as np
import pytest

from sparrow.photo_texture import FLAT, photo_texture

N_COLOUR = 4  # numbers of each of the three planes, which come first


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (47, 33), (512, 512)])
def test_every_photo_has_all_statistics(shape: tuple[int, int]) -> None:
    black = photo_texture(np.zeros((*shape, 3), np.uint8))
    noise = photo_texture(np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8))
    assert black.shape == noise.shape == (390,)
    assert np.isfinite(black).all()
    assert np.isfinite(noise).all()


def test_a_flat_photo_has_no_detail_at_any_scale() -> None:
    values = photo_texture(np.full((64, 64, 3), 128, np.uint8))
    assert values[0] == pytest.approx(128 / 255, abs=1e-6)  # mean luma of grey is its level
    flat_shares = values[3 * N_COLOUR :][4:7]  # of the first band, after its four sizes
    assert flat_shares.tolist() == [1.0] * len(FLAT)


def test_a_checkerboard_is_diagonal_detail_of_the_finest_scale_alone() -> None:
    board = np.indices((64, 64)).sum(0) % 2 * 255
    values = photo_texture(np.repeat(board[..., None], 3, 2).astype(np.uint8))
    finest = values[3 * N_COLOUR :].reshape(-1)[: 3 * 7].reshape(3, 7)  # bands × numbers of luma
    # Half the range up and down: (1 - 0 - 0 + 1) / 4, everywhere of one sign.
    assert finest[2, 1] == pytest.approx(np.log(0.5 + 1e-4), abs=1e-3)
    assert finest[:, 4].tolist() == [1.0, 1.0, 0.0]  # shares without any detail


def test_detail_is_measured_at_one_size() -> None:
    """A photo of 12 megapixels and the same at 512 px are one photo."""
    rng = np.random.default_rng(2)
    small = rng.integers(0, 256, (256, 512, 3), np.uint8)
    large = small.repeat(4, 0).repeat(4, 1)
    np.testing.assert_allclose(photo_texture(large), photo_texture(small), atol=1e-3)
