"""One step: gradients of its batches added by their share of the photos, faults named."""

from __future__ import annotations

import pytest
import torch

from sparrow.training.checkpoint import TrainingState
from sparrow.training.distributed import World
from sparrow.training.optimizer_step import Batch, LossNotFiniteError, make_optimizer_step


class Slope(torch.nn.Module):
    """A network of one weight, whose loss is the weight times the mean number of boxes."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor(2.0))

    def forward(self, images, targets):
        boxes = sum(len(target["boxes"]) for target in targets) / len(targets)
        return {"loss": self.weight * boxes}


@pytest.fixture
def state():
    model = Slope()
    return TrainingState(model, None, torch.optim.SGD(model.parameters(), 1.0), [])


def batch(share, *box_counts):
    """Photos with so many boxes each."""
    samples = [
        (
            torch.zeros((3, 8, 8), dtype=torch.uint8),
            torch.tensor([[1.0, 2.0, 3.0, 4.5]]).repeat(count, 1),
            torch.ones(count, dtype=torch.int64),
        )
        for count in box_counts
    ]
    return Batch(samples, [f"{i}.jpg" for i in range(len(samples))], 0, share)


def step(state, *batches, clip=100.0):
    return make_optimizer_step(state, batches, 0.1, clip, World())


def test_a_step_without_batches_changes_nothing(state):
    assert step(state) == {}
    assert state.model.weight.item() == 2.0


def test_one_batch(state):
    losses = step(state, batch(1.0, 1, 3))
    assert losses == {"loss": 4.0}  # 2 boxes a photo, weight 2
    assert state.model.weight.item() == pytest.approx(1.8)  # 2 - 0.1 · 2


def test_several_batches_are_one_step_over_all_their_photos(state):
    # Three photos with 1, 3 and 5 boxes: a mean of 3, however they are shared out.
    losses = step(state, batch(2 / 3, 1, 3), batch(1 / 3, 5))
    assert losses == {"loss": pytest.approx(6.0)}
    assert state.model.weight.item() == pytest.approx(1.7)  # 2 - 0.1 · 3


def test_gradients_are_clipped(state):
    step(state, batch(1.0, 4), clip=1.0)
    assert state.model.weight.item() == pytest.approx(1.9)  # 2 - 0.1 · 1


def test_a_loss_that_is_not_finite_names_photos_and_boxes_and_changes_nothing(state):
    with torch.no_grad():
        state.model.weight.fill_(float("inf"))
    with pytest.raises(LossNotFiniteError) as broken:
        step(state, batch(1.0, 1, 0))
    # No box gives inf · 0.5, which is inf still.
    assert "loss inf" in str(broken.value)
    assert "0.jpg with boxes [[1.0, 2.0, 3.0, 4.5]]; 1.jpg with boxes []" in str(broken.value)
