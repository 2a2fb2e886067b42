"""The recipe "a detector": it is built from the config, and a step of training moves it."""

from __future__ import annotations

import math

import torch

SMALL = {
    "min_side_px": 64,
    "max_side_px": 96,
    "trainable_backbone_layers": 1,
    "rpn_pre_nms_top_n": 60,
    "rpn_post_nms_top_n": 30,
    "box_detections_per_image": 20,
}


def test_it_builds_and_trains_a_step(follow):
    recipe = follow("A detector")
    assert recipe.files == ("sparrow/config/training.py",)
    from sparrow.config import make_config
    from sparrow.detectors.build import build_seeded_detector

    config = make_config({"model": {**recipe.config["model"], **SMALL}}).model
    assert config.architecture == "fasterrcnn_resnet50_fpn"
    network = build_seeded_detector(config, 2, seed=0)
    assert network.roi_heads.box_predictor.cls_score.out_features == 3  # and background
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01)
    photo = torch.rand((3, 64, 64), generator=torch.Generator().manual_seed(0))
    target = {"boxes": torch.tensor([[8.0, 8.0, 40.0, 40.0]]), "labels": torch.tensor([2])}
    weights = network.roi_heads.box_predictor.cls_score.weight
    before = weights.detach().clone()
    loss = sum(network.train()([photo], [target]).values())
    loss.backward()
    optimizer.step()
    assert math.isfinite(loss.item())
    assert not torch.equal(weights, before)
