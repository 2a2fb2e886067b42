"""The section ``cluster`` of the config, given to Metaflow; where it is absent, nothing is.

``run --with kubernetes``, ``run --with batch`` and ``argo-workflows create`` follow it: what a
step needs stands in @resources, @retry and @timeout, what a pod needs in @kubernetes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import metaflow
from metaflow import FlowMutator, namespaced_event_name  # type: ignore[attr-defined]
from metaflow.exception import MetaflowException
from metaflow.packaging_sys import ContentType
from metaflow.user_decorators.mutable_flow import MutableFlow
from metaflow.user_decorators.mutable_step import MutableStep

from sparrow.shipped import SERVE_LOCK, shipped

KUBERNETES = "kubernetes"
RESOURCES = ("cpu", "memory", "gpu", "disk", "shared_memory")  # of @resources
ATTRIBUTES = {  # of each decorator, where the section has them, too
    KUBERNETES: ("image", "secrets", "service_account", "cpu", "memory", "disk"),
    "batch": ("image", "cpu", "memory"),
}
DEPLOYERS = {"argo-workflows", "airflow"}  # their steps run in pods without a --with of ours
IN_A_POD = "METAFLOW_KUBERNETES_WORKLOAD"  # Metaflow sets it there
BESIDE_THE_PACKAGE = (SERVE_LOCK, "LICENSE")  # of what a Bento is made from

Values = Mapping[str, Any]  # of the section, as JSON has them


class ClusterError(MetaflowException):
    """A section that does not fit the flow."""

    headline = "Not started"


class OnCluster(FlowMutator):
    """Give a flow's steps what the config asks for them."""

    def init(self, flow: str) -> None:
        """Remember which flow it is.

        Args:
            flow: its key in the section.
        """
        self.flow = flow

    def pre_mutate(self, mutable_flow: MutableFlow) -> None:
        """What holds wherever the steps run, and when the flow is started."""
        section = _section(mutable_flow)
        if section is None:
            return
        own: Values = section[self.flow]
        steps = dict(mutable_flow.steps)
        if unknown := sorted(set(own["steps"]) - set(steps)):
            raise ClusterError(
                f"cluster.{self.flow}.steps.{unknown[0]}: the flow has no such step. It has "
                f"{', '.join(sorted(steps))}"
            )
        for name, step in steps.items():
            _decorate(step, self._wanted(section, name))
        if own["schedule"]:
            when = {"cron": own["schedule"], "timezone": own["timezone"]}
            mutable_flow.add_decorator("schedule", deco_kwargs=when)
        if section["event"] and self.flow == "train":
            event = namespaced_event_name(section["event"])
            mutable_flow.add_decorator("trigger", deco_kwargs={"event": event})

    def mutate(self, mutable_flow: MutableFlow) -> None:
        """What a pod needs, for each step that runs in one; the command line goes before it."""
        section = _section(mutable_flow)
        if section is None:
            return
        pods = bool(DEPLOYERS & set(sys.argv)) or IN_A_POD in os.environ
        for name, step in mutable_flow.steps:
            wanted = {**section, **self._wanted(section, name)}
            for kind, attributes in ATTRIBUTES.items():
                if step.has_decorator(kind) or (pods and kind == KUBERNETES):
                    _complete(step, kind, {key: wanted[key] for key in attributes if wanted[key]})

    def _wanted(self, section: Values, step: str) -> Values:
        own = section[self.flow]["steps"].get(step, {})
        said = {key: value for key, value in own.items() if value is not None}
        return {**section["every_step"], **said}

    def add_to_package(self) -> Iterator[tuple[str, str, ContentType]]:
        """What the flow reads and Metaflow does not find by itself: its Bento is made from it."""
        if self.flow != "train":
            return
        service = shipped("service")
        for path in sorted(service.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path), str(path.relative_to(service.parent)), ContentType.CODE_CONTENT
        for name in BESIDE_THE_PACKAGE:
            if shipped(name).is_file():
                yield str(shipped(name)), name, ContentType.CODE_CONTENT


def publish_event(event: str, payload: Mapping[str, str]) -> str:
    """Publish an event to Argo Events, under the name of the flow's own project and branch.

    Args:
        event: its name in the config.
        payload: parameters of the flow that it starts.

    Returns:
        What went wrong, in words; empty where it was published.
    """
    from metaflow.integrations import ArgoEvent  # type: ignore[attr-defined]  # made on import
    from metaflow.metaflow_config import ARGO_EVENTS_WEBHOOK_URL

    if not ARGO_EVENTS_WEBHOOK_URL:
        return "METAFLOW_ARGO_EVENTS_WEBHOOK_URL is not set"
    try:
        ArgoEvent(namespaced_event_name(event)).publish(dict(payload), ignore_errors=False)
    except MetaflowException as error:
        return str(error.message)
    return ""


def _section(flow: MutableFlow) -> Values | None:
    config = dict(flow.configs)["config"]
    section: Values | None = config.to_dict().get("cluster")  # not in an earlier release's run
    return section


def _complete(step: MutableStep, kind: str, wanted: Values) -> None:
    """Add to a decorator what its command line left at Metaflow's default.

    @resources alone cannot ask for less than that default: Metaflow takes the larger of both.
    """
    defaults = getattr(metaflow, kind).args[0].defaults
    specs = step.get_decorator_specs(kind)
    given = specs[0][3] if specs else {}
    free = {key for key in wanted if given.get(key, defaults[key]) == defaults[key]}
    kept = {**given, **{key: wanted[key] for key in free}}
    step.add_decorator(kind, deco_kwargs=kept, duplicates=MutableStep.OVERRIDE)


def _decorate(step: MutableStep, wanted: Values) -> None:
    needs = {name: wanted[name] for name in RESOURCES if wanted[name] is not None}
    if needs:
        step.add_decorator("resources", deco_kwargs=needs)
    if wanted["retries"] is not None:
        again = {"times": wanted["retries"], "minutes_between_retries": 1}
        step.add_decorator("retry", deco_kwargs=again, duplicates=MutableStep.OVERRIDE)
    if wanted["timeout_minutes"] is not None:
        limit = {"minutes": wanted["timeout_minutes"]}
        step.add_decorator("timeout", deco_kwargs=limit, duplicates=MutableStep.OVERRIDE)
