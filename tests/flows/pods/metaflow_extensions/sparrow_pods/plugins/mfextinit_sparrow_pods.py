"""Metaflow finds the tests' decorator ``pod`` here: ``run --with pod``."""

STEP_DECORATORS_DESC = [("pod", ".pod_decorator.PodDecorator")]
