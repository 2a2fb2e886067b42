"""Classes named in a config: made where they exist, refused with what is allowed where not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sparrow.config import ConfigError, parse_config, with_trial_values
from sparrow.config.trials import possible_values
from sparrow.training.check_names import check_names
from sparrow.training.optimizer import FAMILY as OPTIMIZER_FAMILY
from sparrow.training.sampler import PRUNER_FAMILY, SAMPLER_FAMILY
from sparrow.training.schedule import FAMILY as SCHEDULE_FAMILY

NEEDED = {  # parameters without which there is none of these
    "StepLR": "{step_size: 2}",
    "CosineAnnealingLR": "{T_max: 5}",
    "CosineAnnealingWarmRestarts": "{T_0: 5}",
    "ExponentialLR": "{gamma: 0.9}",
    "MultiStepLR": "{milestones: [1, 3]}",
    "CyclicLR": "{base_lr: 0.1, max_lr: 1.0}",
    "SequentialLR": "{schedulers: [LinearLR, {StepLR: {step_size: 2}}], milestones: [1]}",
    "ChainedScheduler": "{schedulers: [LinearLR, {ExponentialLR: {gamma: 0.9}}]}",
    "PartialFixedSampler": "{fixed_params: {training.momentum: 0.5}, base_sampler: RandomSampler}",
    "PatientPruner": "{wrapped_pruner: {MedianPruner: {n_warmup_steps: 2}}, patience: 2}",
    "PercentilePruner": "{percentile: 25.0}",
    "ThresholdPruner": "{lower: 0.1}",
}
SPACE = "space: {training.momentum: [0.5, 0.6], training.gamma: {low: 0.1, high: 0.2, step: 0.05}}"


def refused(text):
    with pytest.raises(ConfigError) as error:
        check_names(parse_config(text))
    return str(error.value)


@pytest.mark.parametrize("name", OPTIMIZER_FAMILY.names())
def test_every_optimizer_of_pytorch(name):
    check_names(parse_config(f"training: {{optimizer: {name}}}"))


@pytest.mark.parametrize("name", SCHEDULE_FAMILY.names())
def test_every_schedule_of_pytorch(name):
    parameters = NEEDED.get(name, "{}")
    check_names(parse_config(f"training: {{schedule: {name}, schedule_parameters: {parameters}}}"))


@pytest.mark.parametrize("name", [n for n in SAMPLER_FAMILY.names() if n != "CmaEsSampler"])
def test_every_sampler_of_optuna(name):
    parameters = NEEDED.get(name, "{}")
    check_names(
        parse_config(f"tuning: {{{SPACE}, sampler: {name}, sampler_parameters: {parameters}}}")
    )


@pytest.mark.parametrize("name", PRUNER_FAMILY.names())
def test_every_pruner_of_optuna(name):
    parameters = NEEDED.get(name, "{}")
    check_names(parse_config(f"tuning: {{pruner: {name}, pruner_parameters: {parameters}}}"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("training: {optimizer: Adamm}", ["no Adamm in torch.optim. Did you mean Adam?", "ASGD"]),
        ("training: {optimizer: rmsprop}", ["'adamw'", "class of torch.optim, such as RMSprop"]),
        ("training: {optimizer: LBFGS}", ["LBFGS cannot be used", "a closure"]),
        ("training: {optimizer: SparseAdam}", ["sparse gradients"]),
        ("training: {optimizer: Muon}", ["matrices only"]),
        ("training: {optimizer: SGD, optimizer_parameters: {momentun: 0.9}}",
         ["optimizer_parameters.momentun", "Did you mean momentum?", "SGD takes momentum, damp"]),
        ("training: {optimizer: SGD, optimizer_parameters: {lr: 0.1}}",
         ["the learning rate is training.learning_rate; leave it out"]),
        ("training: {optimizer: SGD, optimizer_parameters: {momentum: -1}}", ["SGD(momentum=-1)"]),
        ("training: {optimizer: SGD, weight_decay: 0.1}", ["weight_decay does not apply",
                                                           "optimizer_parameters (found 0.1)"]),
        ("training: {optimizer: sgd, optimizer_parameters: {nesterov: true}}", ["does not apply"]),
        ("training: {schedule: StepLR}", ["StepLR needs step_size", "takes step_size, gamma"]),
        ("training: {schedule: StepLr}", ["Did you mean StepLR?", "OneCycleLR"]),
        ("training: {schedule: StepLR, schedule_parameters: {step_size: two}}",
         ["adamw with StepLR {'step_size': 'two'} cannot be used"]),
        ("training: {schedule: LinearLR, gamma: 0.5}", ["gamma does not apply"]),
        ("training: {schedule: LinearLR, warmup_fraction: 0.2}", ["has no warm-up"]),
        ("training: {schedule: LambdaLR}", ["a function of Python's"]),
        ("training: {schedule: OneCycleLR, schedule_parameters: {last_epoch: 3}}",
         ["a checkpoint keeps it"]),
        ("training: {schedule: SequentialLR, schedule_parameters: {schedulers: [OneCycleLR], "
         "milestones: [1]}}", ["OneCycleLR does not advance by epochs"]),
        ("tuning: {sampler: CmaEsSampler}", ["needs the package cmaes", "pip install cmaes"]),
        ("tuning: {sampler: TPESampler, sampler_parameters: {gamma: 3}}", ["function of Python's"]),
        ("tuning: {sampler: TPESampler, sampler_parameters: {seed: 3}}", ["the config's seed"]),
        ("tuning: {sampler: TpeSampler}", ["Did you mean TPESampler?"]),
        ("tuning: {space: {training.momentum: {low: 0.1, high: 0.2}}, sampler: GridSampler}",
         ["a range without steps (0.1 to 0.2)"]),
        (f"tuning: {{{SPACE}, sampler: GridSampler, sampler_parameters: {{search_space: "
         "{training.momentum: [0.5]}}}", ["expected the keys of tuning.space", "training.gamma"]),
        (f"tuning: {{{SPACE}, sampler: GridSampler, sampler_parameters: {{search_space: "
         "{training.momentum: [0.7], training.gamma: [0.1]}}}", ["found 0.7"]),
        ("tuning: {pruner: WilcoxonPruner}", ["WilcoxonPruner cannot be used", "a problem of its"]),
        ("tuning: {pruner: PatientPruner, pruner_parameters: {wrapped_pruner: {MedianPrunr: {}}, "
         "patience: 1}}", ["Did you mean MedianPruner?"]),
        ("tuning: {pruner: PatientPruner, pruner_parameters: {wrapped_pruner: 3, patience: 1}}",
         ["pruner_parameters.wrapped_pruner", "found 3"]),
        ("tuning: {pruner: ThresholdPruner}", ["lower or upper"]),
        ("tuning: {pruner: MedianPruner, warmup_epochs: 2}", ["warmup_epochs does not apply"]),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_is_allowed(text, parts):
    told = refused(text)
    for part in parts:
        assert part in told


TWO = """
training: {optimizer: SGD, optimizer_parameters: {momentum: 0.9}, schedule: none}
tuning:
  space:
    training.optimizer: [SGD, Adam, adamw]
    training.optimizer_parameters.momentum: {low: 0.0, high: 0.9, step: 0.3}
    training.schedule: [none, StepLR]
    training.schedule_parameters.step_size: [1, 2]
  conditions:
    training.optimizer_parameters.momentum: {training.optimizer: SGD}
    training.schedule_parameters.step_size: {training.schedule: StepLR}
"""


def test_two_optimizers_in_one_space_each_with_its_own_parameters():
    config = parse_config(TWO)
    check_names(config)
    tried = [with_trial_values(config, values).training for values in possible_values(config)]
    seen = {
        (t.optimizer, *t.optimizer_parameters, t.schedule, *t.schedule_parameters) for t in tried
    }
    assert seen == {
        (*optimizer, *schedule)
        for optimizer in (("SGD", "momentum"), ("Adam",), ("adamw",))
        for schedule in (("none",), ("StepLR", "step_size"))
    }


def test_a_parameter_of_one_class_needs_its_condition():
    told = refused(
        "{training: {optimizer: SGD, optimizer_parameters: {momentum: 0.9}},"
        " tuning: {space: {training.optimizer: [SGD, Adam]}}}"
    )
    assert "Adam has no such parameter" in told
    assert "a trial with training.optimizer = Adam" in told
    assert "tuned under a condition" in told


def test_the_names_of_the_demo_import_neither_library():
    command = (
        "import sys; from sparrow.config import load_config; "
        "from sparrow.training.check_names import check_names; "
        "check_names(load_config('configs/demo.yaml')); "
        "load_config('configs/sparrow.yaml'); "
        "print('torch' in sys.modules, 'optuna' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True)
    assert done.stdout == "False False\n", done.stderr
