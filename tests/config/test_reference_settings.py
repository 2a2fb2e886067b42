"""``configs/sparrow.yaml`` is the reference's ``params.yaml``, key by key.

On the left what data42lana/end-to-end-cv-mlops-project has, and in its image_dataloader.py, where
the augmentation is; on the right where it is here.
"""

from __future__ import annotations

import pytest

from sparrow.config import NumberRange, get_key, load_config

SETTINGS = {
    "image_dataset_conf.batch_size": (16, "training.batch_size"),
    "load_parameters.trainable_backbone_layers": (1, "model.trainable_backbone_layers"),
    "load_parameters.rpn_score_thresh": (0.4, "model.rpn_score_threshold"),
    "load_parameters.box_score_thresh": (0.5, "evaluation.min_score"),
    "load_parameters.box_nms_thresh": (0.4, "model.box_nms_iou"),
    "load_parameters.box_detections_per_img": (120, "model.box_detections_per_image"),
    "load_parameters.box_positive_fraction": (0.4, "model.box_positive_fraction"),
    "object_detection_model, in code": (
        "fasterrcnn_mobilenet_v3_large_fpn", "model.architecture",
    ),
    "weights, in code (COCO_V1)": ("coco", "model.weights"),
    "metric_to_find_best": ("f_beta", "training.choose_by"),
    "evaluation_iou_threshold": (0.4, "evaluation.iou"),
    "evaluation_beta": (2, "evaluation.beta"),
    "optimizer.name": ("SGD", "training.optimizer"),
    "optimizer.parameters.lr": (0.001, "training.learning_rate"),
    "optimizer.parameters, no other": ({}, "training.optimizer_parameters"),
    "lr_sheduler.name (null)": ("none", "training.schedule"),
    "no warm-up in its code": (0.0, "training.warmup_fraction"),
    "no clipping in its code": (None, "training.clip_norm"),
    "no average of weights in its code": (0.0, "training.ema_decay"),
    "no early stop in its code": (None, "training.patience_epochs"),
    "one batch a step in its code": (1, "training.gradient_accumulation_steps"),
    "epochs": (15, "training.epochs"),
    "checkpoint": (None, "training.continue_from"),
    "study_name": ("faster_rcnn_mob_hyper_opt_study", "tuning.study"),
    "sampler.name": ("TPESampler", "tuning.sampler"),
    "sampler.parameters (null)": ({}, "tuning.sampler_parameters"),
    "pruner.name": ("MedianPruner", "tuning.pruner"),
    "pruner.parameters": ({"n_warmup_steps": 3}, "tuning.pruner_parameters"),
    "hyperparameter_optimization.epochs": (10, "tuning.epochs"),
    "n_trials": (100, "tuning.trials"),
    "timeout (2400 s)": (40, "tuning.timeout_minutes"),
    "optimizers": (("SGD", "Adam"), "training.optimizer in the space"),
    "optimizers.SGD.lr, optimizers.Adam.lr": (
        NumberRange(low=0.00001, high=0.01, log=True), "training.learning_rate in the space",
    ),
    "optimizers.SGD.weight_decay, optimizers.Adam.weight_decay": (
        NumberRange(low=0.0, high=0.001, step=0.0001),
        "training.optimizer_parameters.weight_decay in the space",
    ),
    "optimizers.SGD.momentum": (
        NumberRange(low=0.0, high=0.9, step=0.3),
        "training.optimizer_parameters.momentum in the space",
    ),
    "lr_schedulers (None: none)": (
        ("StepLR", "LinearLR", "none"), "training.schedule in the space",
    ),
    "StepLR.step_size": (
        NumberRange(low=1, high=3, integer=True),
        "training.schedule_parameters.step_size in the space",
    ),
    "StepLR.gamma": (
        NumberRange(low=0.1, high=0.2, log=True), "training.schedule_parameters.gamma in the space",
    ),
    "A.Compose(p)": (0.8, "augmentation.probability"),
    "A.SmallestMaxSize": (800, "model.min_side_px"),
    "A.LongestMaxSize": (1333, "model.max_side_px"),
    "A.HorizontalFlip": (0.6, "augmentation.horizontal_flip"),
    "A.VerticalFlip": (0.4, "augmentation.vertical_flip"),
    "A.ColorJitter(0.5, 0.5, 0.5, 0)": (0.7, "augmentation.colour_jitter"),
    "A.RandomRain": (0.5, "augmentation.rain"),
    "A.OneOrOther(p)": (0.6, "augmentation.blur"),
    "A.Blur(10): odd kernels from 3": ((3, 9), "augmentation.box_blur_kernels_px"),
    "A.Blur(p), of OneOrOther": (0.7, "augmentation.box_blur"),
    "A.GaussianBlur": ((11, 21), "augmentation.blur_kernels_px"),
    "no crop": (0.0, "augmentation.crop"),
    "no zoom": (0.0, "augmentation.scale_jitter"),
}  # fmt: skip


@pytest.fixture(scope="module")
def config():
    return load_config("configs/sparrow.yaml")


@pytest.mark.parametrize("theirs", SETTINGS)
def test_a_setting_is_the_references(theirs, config):
    expected, place = SETTINGS[theirs]
    key, in_space, _ = place.partition(" in the space")
    assert (config.tuning.space[key] if in_space else get_key(config, key)) == expected


def test_the_space_has_no_other_keys_and_the_references_conditions(config):
    places = [place for _, place in SETTINGS.values()]
    expected = {place.removesuffix(" in the space") for place in places if " in the" in place}
    assert config.tuning.space.keys() == expected
    step = {"training.schedule": "StepLR"}
    assert config.tuning.conditions == {
        "training.optimizer_parameters.momentum": {"training.optimizer": "SGD"},
        "training.schedule_parameters.step_size": step,
        "training.schedule_parameters.gamma": step,
    }


def test_its_classes_are_made_as_a_run_begins(config):
    from sparrow.training.check_names import check_names

    check_names(config)
