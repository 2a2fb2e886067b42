"""What the flows ask of a cluster; read before a flow starts, by ``flows/cluster.py``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from sparrow.config.base import Count, Section

MAX_NAME_LENGTH = 253  # of an object in Kubernetes
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
ObjectName = Annotated[
    str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=MAX_NAME_LENGTH)
]
_IMAGE = r"^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$"
CRON_FIELDS = 5


def _five_fields(cron: str) -> str:
    if len(cron.split()) != CRON_FIELDS:
        raise ValueError("expected five fields: minute, hour, day of month, month, day of week")
    return cron


Cron = Annotated[str, AfterValidator(_five_fields)]


class StepOnClusterConfig(Section):
    """What one step asks for; null is what stands in ``every_step``, and there what Metaflow has.

    Names are those of Metaflow's @resources, @retry and @timeout.
    """

    cpu: Annotated[float, Field(gt=0)] | None = None  # cores; Metaflow's: 1
    memory: Count | None = None  # MB; Metaflow's: 4096
    gpu: Count | None = None
    disk: Count | None = None  # MB; Metaflow's: 10240
    shared_memory: Count | None = None  # MB of /dev/shm; a pod has 64, too few for training.workers
    retries: Annotated[int, Field(ge=0)] | None = None  # further tries, a minute apart
    timeout_minutes: Count | None = None  # after which a step is ended


class FlowOnClusterConfig(Section):
    """A flow as it is deployed by ``argo-workflows create``."""

    schedule: Cron | None = None  # null: it starts when somebody or an event starts it
    timezone: str | None = None  # of the schedule, such as Europe/Helsinki; null: UTC
    steps: dict[str, StepOnClusterConfig] = Field(default_factory=dict)  # by the step's name


class ClusterConfig(Section):
    """Kubernetes and AWS Batch, through Metaflow. No secret stands here, only names of secrets."""

    image: Annotated[str, StringConstraints(pattern=_IMAGE)] | None = None
    secrets: tuple[ObjectName, ...] = ()  # of Kubernetes: their keys are environment variables
    service_account: ObjectName | None = None
    # The monitor publishes it on drift in place of monitoring.on_drift; the training waits for it.
    event: ObjectName | None = None
    every_step: StepOnClusterConfig = StepOnClusterConfig()
    train: FlowOnClusterConfig = FlowOnClusterConfig()
    monitor: FlowOnClusterConfig = FlowOnClusterConfig()
