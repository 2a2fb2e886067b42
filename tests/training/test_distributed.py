"""Two processes that share the batches of each step learn what one alone learns."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sparrow.training import distributed
from sparrow.training.distributed import RendezvousError, World, join_world, set_rank_environment

SCRIPT = Path(__file__).with_name("train_small.py")


PLACE = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@pytest.fixture
def nowhere(monkeypatch):
    """No launcher has said a thing; what the test says is taken back."""
    for name in PLACE:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def one(drawn_dataset, tmp_path):
    """History and weights of one process."""
    folder = tmp_path / "one"
    folder.mkdir()
    history = runpy.run_path(str(SCRIPT))["train_small"](drawn_dataset, folder)
    return history, load_file(folder / "best.safetensors")


def test_alone_nothing_is_shared(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    world = join_world(torch.device("cpu"))
    assert world == World(0, 1)
    assert world.sum(torch.tensor([3.0])).tolist() == [3.0]
    assert world.from_first(torch.tensor([3.0])).tolist() == [3.0]


def test_a_place_is_what_the_launcher_would_have_said(nowhere):
    set_rank_environment(0, 1, "127.0.0.1", "run")
    assert not any(name in os.environ for name in PLACE)  # alone there is nobody to meet
    set_rank_environment(1, 2, "127.0.0.1", "run")
    assert [os.environ[name] for name in PLACE[:4]] == ["1", "1", "2", "127.0.0.1"]
    port = os.environ["MASTER_PORT"]
    assert 20_000 <= int(port) < 30_000
    set_rank_environment(3, 4, "10.0.0.7", "run")
    assert os.environ["LOCAL_RANK"] == "0"  # the first on its own machine
    assert os.environ["MASTER_PORT"] == port  # the same for all that train the same
    set_rank_environment(1, 2, "127.0.0.1", "another")
    assert os.environ["MASTER_PORT"] != port


def test_whoever_waits_in_vain_is_told_for_whom_and_where(nowhere, monkeypatch):
    monkeypatch.setattr(distributed, "RENDEZVOUS", timedelta(seconds=1))
    set_rank_environment(0, 2, "127.0.0.1", "a training whose second process died")
    with pytest.raises(RendezvousError, match=r"the 2 processes .* 127\.0\.0\.1:2\d{4}"):
        join_world(torch.device("cpu"))


@pytest.mark.slow
def test_two_processes_give_the_losses_of_one_with_the_same_global_batch(
    one, drawn_dataset, tmp_path
):
    folder = tmp_path / "two"
    folder.mkdir()
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    run = subprocess.run(
        [*launcher, "--nproc-per-node", "2", SCRIPT, drawn_dataset, folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    printed = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[{")]
    assert len(printed) == 2
    history, weights = one
    for found in printed:  # every process knows the whole history
        assert len(found) == 2
        for ours, theirs in zip(found, history, strict=True):
            # Sums of two float32 gradients, in another order: the last digits may differ.
            assert ours["losses"] == pytest.approx(theirs["losses"], rel=1e-5)
            assert ours["f_beta"] == theirs["f_beta"]
            assert ours["learning_rate"] == theirs["learning_rate"]
    kept = load_file(folder / "best.safetensors")
    for name, value in kept.items():
        torch.testing.assert_close(value, weights[name], rtol=1e-4, atol=1e-6)
