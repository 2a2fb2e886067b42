"""Detectors from config, and where their weights come from."""

from __future__ import annotations

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import get_model
from torchvision.ops.misc import FrozenBatchNorm2d

from sparrow.config import ConfigError, ModelConfig, make_config
from sparrow.detectors.build import build_detector
from sparrow.detectors.pretrained_weights import WeightsError

COCO_FILE = "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"


def configured(**values):
    return ModelConfig(
        **{
            "architecture": "fasterrcnn_mobilenet_v3_large_320_fpn",
            "weights": "none",
            "freeze_batch_norm": False,
            **values,
        }
    )


def ssdlite(**values):
    """Its default boxes as torchvision has them at 320 px."""
    sizes = (64, 112, 160, 208, 256, 304)
    return configured(architecture="ssdlite320_mobilenet_v3_large", anchor_sizes_px=sizes, **values)


def normalisations(module, kind):
    return [m for m in module.modules() if isinstance(m, kind)]


@pytest.mark.parametrize("n_classes", [1, 3])
def test_outputs_fit_the_classes(n_classes):
    model = build_detector(configured(), n_classes)
    assert model.roi_heads.box_predictor.cls_score.out_features == n_classes + 1  # background
    assert model.roi_heads.box_predictor.bbox_pred.out_features == 4 * (n_classes + 1)


def test_numbers_of_the_config_arrive():
    model = build_detector(
        configured(
            anchor_sizes_px=(20, 50), box_nms_iou=0.3, box_detections_per_image=7,
            box_batch_size_per_image=9, rpn_post_nms_top_n=11,
        ), 1,
    )  # fmt: skip
    heads, rpn = model.roi_heads, model.rpn
    assert (heads.nms_thresh, heads.detections_per_img) == (0.3, 7)
    assert heads.fg_bg_sampler.batch_size_per_image == 9
    assert rpn._post_nms_top_n == {"training": 11, "testing": 11}
    # Two sizes in three shapes at every place, and a head with as many outputs.
    assert rpn.anchor_generator.num_anchors_per_location() == [6, 6, 6]
    assert rpn.head.cls_logits.out_channels == 6


def test_photos_are_not_resized_again():
    model = build_detector(configured(min_side_px=320, max_side_px=640), 1).eval()
    images, _ = model.transform([torch.zeros(3, 70, 90)])
    assert images.image_sizes == [(70, 90)]


def test_normalisation_is_frozen_or_quick():
    frozen = build_detector(configured(freeze_batch_norm=True), 1)
    assert not normalisations(frozen.backbone.body, torch.nn.BatchNorm2d)
    assert normalisations(frozen.backbone.body, FrozenBatchNorm2d)
    quick = build_detector(configured(), 1)
    assert {m.momentum for m in normalisations(quick, torch.nn.BatchNorm2d)} == {0.1}


@pytest.mark.parametrize(
    ("trainable", "first_trained"),
    # MobileNetV3-large halves its resolution at blocks 2, 4, 7 and 13; block 16 is its last.
    [(0, 17), (1, 16), (2, 13), (3, 7), (4, 4), (5, 2), (6, 0)],
)
def test_frozen_stages_of_mobilenet(trainable, first_trained):
    model = build_detector(configured(trainable_backbone_layers=trainable), 1)
    for i, block in enumerate(model.backbone.body.children()):
        assert all(p.requires_grad == (i >= first_trained) for p in block.parameters()), i
    assert all(p.requires_grad for p in model.backbone.fpn.parameters())


@pytest.mark.parametrize(
    ("trainable", "trained"),
    [
        (0, set()),
        (1, {"layer4"}),
        (3, {"layer4", "layer3", "layer2"}),
        (6, {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4"}),
    ],
)
def test_frozen_stages_of_resnet(trainable, trained):
    model = build_detector(
        configured(
            architecture="fasterrcnn_resnet50_fpn_v2", trainable_backbone_layers=trainable
        ), 1,
    )  # fmt: skip
    found = {
        name.split(".")[0]
        for name, parameter in model.backbone.body.named_parameters()
        if parameter.requires_grad
    }
    assert found == trained


@pytest.mark.parametrize(
    ("trainable", "first_trained"), [(0, 17), (1, 16), (2, 13), (3, 7), (6, 0)]
)
def test_frozen_stages_of_ssdlite(trainable, first_trained):
    """The stages of MobileNetV3, of which SSDlite has cut block 13 in two."""
    model = build_detector(ssdlite(trainable_backbone_layers=trainable), 1)
    early, late = model.backbone.features
    blocks = [[early[i]] for i in range(13)] + [[early[13], late[0]]] + [[b] for b in late[1:]]
    assert len(blocks) == 17
    for i, parts in enumerate(blocks):
        for part in parts:
            assert all(p.requires_grad == (i >= first_trained) for p in part.parameters()), i
    assert all(p.requires_grad for p in model.backbone.extra.parameters())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"architecture": "fasterrcnn_resnet50_fpn_v2", "anchor_sizes_px": (32, 64)},
            "anchor_sizes_px: .* 5 pyramid levels .* found 2",
        ),
        ({"architecture": "ssdlite320_mobilenet_v3_large"}, "6 pyramid levels .* found 5"),
        (
            {"architecture": "fcos_resnet50_fpn", "anchor_sizes_px": (8, 16, 32, 64, 128)},
            "anchor_sizes_px does not apply to fcos_resnet50_fpn",
        ),
        (
            {"architecture": "retinanet_resnet50_fpn_v2", "box_batch_size_per_image": 512},
            "box_batch_size_per_image does not apply to retinanet_resnet50_fpn_v2",
        ),
        ({"anchor_sizes_px": ()}, "anchor_sizes_px"),
    ],
)
def test_a_key_that_the_architecture_has_no_use_for_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        make_config({"model": values})


def test_one_seed_builds_one_network():
    def build(seed):
        torch.manual_seed(seed)
        return build_detector(configured(), 1).state_dict()

    first, again, other = build(1), build(1), build(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_weights_of_a_whole_detector_but_for_its_head(tmp_path):
    torch.manual_seed(1)
    source = build_detector(configured(), 3).state_dict()
    save_file(source, tmp_path / "three.safetensors")
    torch.manual_seed(2)
    found = build_detector(configured(weights=str(tmp_path / "three.safetensors")), 1).state_dict()
    fresh = [name for name in found if not torch.equal(found[name], source[name])]
    # Other classes need another predictor; all the rest was taken.
    assert fresh
    assert all(name.startswith("roi_heads.box_predictor.") for name in fresh)


@pytest.mark.parametrize("prefix", ["backbone.body.", "features.", ""])
def test_weights_of_a_backbone(tmp_path, prefix):
    """As ours spell it, as torchvision's classifiers do, and bare."""
    torch.manual_seed(1)
    body = get_model("mobilenet_v3_large", weights=None).features.state_dict()
    torch.save({prefix + name: value for name, value in body.items()}, tmp_path / "b.pth")
    torch.manual_seed(2)
    model = build_detector(configured(weights=str(tmp_path / "b.pth")), 1)
    found = model.backbone.body.state_dict()
    assert all(torch.equal(found[name], body[name]) for name in found)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.pth", None, "there is no file .*none.pth; expected coco, imagenet, none or"),
        ("bad.pth", b"text", "bad.pth is not a plain state dict"),
        ("bad.safetensors", b"text", "bad.safetensors is not a plain state dict"),
        ("code.pth", pickle.dumps(print), "code.pth is not a plain state dict"),
    ],
)
def test_weights_that_cannot_be_read(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message) as caught:
        build_detector(configured(weights=str(tmp_path / name)), 1)
    assert len(str(caught.value).replace(str(tmp_path), "")) < 300  # torch's own is a page


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(WeightsError, match="not a plain state dict"):
        build_detector(configured(weights=str(tmp_path / "trap.pth")), 1)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"epoch": 3}, {}])
def test_tensors_without_names_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match=r"odd\.pth"):
        build_detector(configured(weights=str(tmp_path / "odd.pth")), 1)


def test_weights_of_something_else(tmp_path):
    save_file({"linear.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"none of its 1 tensors fits .*'linear\.weight'"):
        build_detector(configured(weights=str(tmp_path / "other.safetensors")), 1)


@pytest.mark.parametrize(
    ("weights", "file"), [("coco", COCO_FILE), ("imagenet", "mobilenet_v3_large-5c1a4163.pth")]
)
def test_no_network_and_no_file(weights, file, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(WeightsError) as missing:
        build_detector(configured(weights=weights), 1)
    message = str(missing.value)
    assert f"Put the file {file}" in message
    assert str(tmp_path / "hub" / "checkpoints") in message
    assert "set model.weights to none" in message


@pytest.fixture
def coco_home(tmp_path, monkeypatch):
    """A cache that holds a network of COCO's shape under the name torchvision looks for."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    home = tmp_path / "hub" / "checkpoints"
    home.mkdir(parents=True)
    torch.manual_seed(5)
    state = get_model(
        "fasterrcnn_mobilenet_v3_large_320_fpn", weights=None, weights_backbone=None, num_classes=91
    ).state_dict()
    torch.save(state, home / COCO_FILE)
    return home, state


def test_coco_weights_come_from_torchvisions_cache(coco_home):
    _, state = coco_home
    model = build_detector(configured(weights="coco", freeze_batch_norm=True), 1)
    found = model.state_dict()
    name = "backbone.body.0.0.weight"
    assert torch.equal(found[name], state[name])
    assert torch.equal(found["rpn.head.cls_logits.weight"], state["rpn.head.cls_logits.weight"])
    # The head for 90 kinds of object has made room for one of ours.
    assert model.roi_heads.box_predictor.cls_score.out_features == 2


def test_coco_weights_with_other_anchors_keep_what_fits(coco_home):
    _, state = coco_home
    found = build_detector(configured(weights="coco", anchor_sizes_px=(16, 32)), 1).state_dict()
    assert torch.equal(found["backbone.body.0.0.weight"], state["backbone.body.0.0.weight"])
    assert found["rpn.head.cls_logits.weight"].shape[0] == 6


def test_a_broken_file_in_the_cache_is_named(coco_home):
    (coco_home[0] / COCO_FILE).write_bytes(b"half a download")
    with pytest.raises(WeightsError, match=COCO_FILE):
        build_detector(configured(weights="coco"), 1)


def test_a_trained_network_needs_no_starting_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state = build_detector(configured(), 1).state_dict()
    found = build_detector(configured(weights="coco"), 1, state).state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert not (tmp_path / "hub").exists()


@pytest.mark.parametrize("prefix", ["features.", ""])
def test_ssdlite_takes_a_backbone_of_imagenet(tmp_path, prefix):
    """Cut in two, and with the full tail, which SSDlite from scratch does not have."""
    torch.manual_seed(1)
    body = get_model("mobilenet_v3_large", weights=None).features.state_dict()
    torch.save({prefix + name: value for name, value in body.items()}, tmp_path / "b.pth")
    config = ssdlite(weights=str(tmp_path / "b.pth"), min_side_px=64)
    model = build_detector(config, 1)
    early, late = model.backbone.features
    for i in (0, 5, 12):
        first = next(iter(early[i].state_dict()))
        assert torch.equal(early[i].state_dict()[first], body[f"{i}.{first}"])
    assert torch.equal(early[13][0].weight, body["13.block.0.0.weight"])
    assert torch.equal(late[0][0][0].weight, body["13.block.1.0.weight"])
    assert torch.equal(late[3][0].weight, body["16.0.weight"])
    assert late[3][0].out_channels == 960
    assert build_detector(ssdlite(), 1).backbone.features[1][3][0].out_channels == 480
    # A trained one comes back with the tail it was trained with.
    again = build_detector(config, 1, model.state_dict())
    assert again.backbone.features[1][3][0].out_channels == 960
    model.eval()([torch.zeros(3, 64, 80)])
