"""What the flows hand to a cluster, as Metaflow writes it down; no cluster takes part.

Those marked ``cluster`` compile both flows for Argo, with a real S3 server that takes their code.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from pinned_sets import BUCKET, S3Server

ROOT = Path(__file__).resolve().parents[2]
FLOWS = ROOT / "flows"
CLUSTER = {
    "image": "registry.example.org/sparrow:1",
    "secrets": ["sparrow-stores", "sparrow-key"],
    "service_account": "sparrow",
    "event": "drift",
    "every_step": {"cpu": 0.5, "memory": 2048, "retries": 1, "timeout_minutes": 30},
    "train": {
        "schedule": "0 3 * * 1",
        "timezone": "Europe/Helsinki",
        "steps": {
            "tune": {"cpu": 4},
            "train": {"cpu": 8, "memory": 32768, "gpu": 1, "shared_memory": 4096, "retries": 0},
            "train_together": {"gpu": 2, "timeout_minutes": 600},
        },
    },
    "monitor": {"schedule": "15 * * * *", "steps": {"report": {"memory": 8192}}},
}
ARGO = {
    "METAFLOW_SERVICE_URL": "http://metadata.example.org",
    "METAFLOW_ARGO_EVENTS_EVENT": "metaflow",
    "METAFLOW_ARGO_EVENTS_EVENT_SOURCE": "metaflow",
    "METAFLOW_ARGO_EVENTS_EVENT_BUS": "default",
    "METAFLOW_ARGO_EVENTS_SERVICE_ACCOUNT": "metaflow",
    "METAFLOW_ARGO_EVENTS_WEBHOOK_URL": "http://webhook.example.org",
}


def config(folder: Path, cluster: dict[str, Any] | None) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "cluster": cluster}))
    (folder / ".metaflow").mkdir(exist_ok=True)
    return path


def flow(
    name: str, settings: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FLOWS / f"{name}.py"), "--config", "config", str(settings)]
    return subprocess.run(
        [*command, *words], cwd=settings.parent, text=True, capture_output=True,
        env=os.environ | variables | {"METAFLOW_DEFAULT_METADATA": "local"},
    )  # fmt: skip


def packaged(archive: Path) -> set[str]:
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


def test_the_code_package_of_the_training_carries_what_its_bento_is_made_from(
    tmp_path: Path,
) -> None:
    saved = flow("train", config(tmp_path, None), "package", "save", "code.tar")
    assert saved.returncode == 0, saved.stderr
    names = packaged(tmp_path / "code.tar")
    service = [path for path in (ROOT / "service").rglob("*") if path.is_file()]
    kept = {str(path.relative_to(ROOT)) for path in service if "__pycache__" not in path.parts}
    beside = {"requirements-serve.lock", "LICENSE", "sparrow/reports/templates/base.html"}
    assert {f".mf_code/{name}" for name in kept | beside} <= names
    assert {"train.py", "monitor.py", "cards/report.py"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_a_step_that_the_flow_does_not_have_is_refused_with_those_it_has(tmp_path: Path) -> None:
    settings = config(tmp_path, {"monitor": {"steps": {"rapport": {"cpu": 2}}}})
    refused = flow("monitor", settings, "show")
    assert refused.returncode == 1
    said = refused.stdout + refused.stderr
    assert "cluster.monitor.steps.rapport: the flow has no such step. It has detect_drift," in said
    assert "Traceback" not in said


Templates = dict[str, dict[str, Any]]


def create(
    name: str, folder: Path, cluster: dict[str, Any] | None, server: S3Server, *words: str
) -> tuple[dict[str, Any], Templates]:
    """The metadata's annotations, and the templates of the workflow by name."""
    variables = {
        **ARGO, "METAFLOW_S3_ENDPOINT_URL": server.url,
        "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
    }  # fmt: skip
    made = flow(
        name, config(folder, cluster), "--datastore", "s3", *words,
        "argo-workflows", "create", "--only-json", **variables,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    workflow = json.loads(made.stdout)
    templates = {template["name"]: template for template in workflow["spec"]["templates"]}
    return workflow["metadata"]["annotations"], templates


def pods(templates: Templates) -> Templates:
    """Those of the flow's own steps."""
    return {
        name: template
        for name, template in templates.items()
        if "container" in template and "hook" not in name
    }


def requests(template: dict[str, Any]) -> tuple[float, float]:
    """Cores, and MB of memory."""
    asked = template["container"]["resources"]["requests"]
    return float(asked["cpu"]), float(asked["memory"].removesuffix("M"))


def secrets(container: dict[str, Any]) -> list[str]:
    return [source["secretRef"]["name"] for source in container["envFrom"]]


@pytest.mark.cluster
def test_each_step_of_the_training_asks_for_what_the_config_says(
    tmp_path: Path, s3: S3Server
) -> None:
    notes, templates = create("train", tmp_path, CLUSTER, s3)
    steps = pods(templates)
    assert len(steps) == 15
    assert {step["container"]["image"] for step in steps.values()} == {CLUSTER["image"]}
    assert all(secrets(step["container"]) == CLUSTER["secrets"] for step in steps.values())
    assert {step["serviceAccountName"] for step in steps.values()} == {"sparrow"}
    asked = {name: requests(step) for name, step in steps.items()}
    assert asked.pop("train") == (8, 32768)
    assert asked.pop("tune") == (4, 2048)
    assert set(asked.values()) == {(0.5, 2048)}  # less than Metaflow asks for by itself
    train = steps["train"]
    assert train["container"]["resources"]["limits"] == {"nvidia.com/gpu": "1"}
    assert [v["emptyDir"]["sizeLimit"] for v in train["volumes"] if v["name"] == "dhsm"] == [
        "4096Mi"
    ]
    assert "retryStrategy" not in train
    assert steps["tune"]["retryStrategy"]["limit"] == 1
    assert {step["activeDeadlineSeconds"] for step in steps.values()} == {1800}
    assert json.loads(notes["metaflow/cron"]) == {"schedule": "0 3 * * 1", "tz": "Europe/Helsinki"}
    events = [trigger["name"] for trigger in json.loads(notes["metaflow/triggers"])]
    assert events == [f"mfns.sparrow.{notes['metaflow/branch_name']}.drift"]
    assert notes["metaflow/sensor_name"]


@pytest.mark.cluster
def test_a_set_of_jobs_is_only_for_several_processes(tmp_path: Path, s3: S3Server) -> None:
    _, templates = create("train", tmp_path, CLUSTER, s3)
    sets = [name for name, template in templates.items() if "JobSet" in json.dumps(template)]
    assert sets == ["train-together"]
    written = templates["train-together"]["resource"]["manifest"]
    manifest = yaml.safe_load(re.sub(r"\{\{.*?\}\}", "1", written))  # what Argo fills in
    for job in manifest["spec"]["replicatedJobs"]:
        pod = job["template"]["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == CLUSTER["image"]
        assert secrets(container) == CLUSTER["secrets"]
        assert container["resources"]["limits"] == {"nvidia.com/gpu": "2"}
        assert pod["serviceAccountName"] == "sparrow"


@pytest.mark.cluster
def test_the_monitor_has_its_schedule_and_waits_for_no_event(tmp_path: Path, s3: S3Server) -> None:
    notes, templates = create("monitor", tmp_path, CLUSTER, s3)
    steps = pods(templates)
    assert list(steps) == ["detect-drift", "end", "report", "respond", "start"]
    assert requests(steps["report"]) == (0.5, 8192)
    assert requests(steps["start"]) == (0.5, 2048)
    assert {step["container"]["image"] for step in steps.values()} == {CLUSTER["image"]}
    assert json.loads(notes["metaflow/cron"]) == {"schedule": "15 * * * *", "tz": ""}
    assert "metaflow/triggers" not in notes


@pytest.mark.cluster
def test_the_command_line_goes_before_the_config(tmp_path: Path, s3: S3Server) -> None:
    with_more = "kubernetes:memory=9000,image=other:2"
    _, templates = create("monitor", tmp_path, CLUSTER, s3, "--with", with_more)
    steps = pods(templates)
    assert {step["container"]["image"] for step in steps.values()} == {"other:2"}
    assert {requests(step) for step in steps.values()} == {(0.5, 9000)}
    assert secrets(steps["start"]["container"]) == CLUSTER["secrets"]


@pytest.mark.cluster
@pytest.mark.parametrize("name", ["train", "monitor"])
def test_without_the_section_everything_is_metaflows_own(
    name: str, tmp_path: Path, s3: S3Server
) -> None:
    notes, templates = create(name, tmp_path, None, s3)
    steps = pods(templates)
    assert {requests(step) for step in steps.values()} == {(1, 4096)}
    assert all(step["container"]["image"].startswith("python:") for step in steps.values())
    assert not any(step["container"].get("envFrom") for step in steps.values())
    assert not {"metaflow/cron", "metaflow/triggers"} & set(notes)


@pytest.mark.cluster
def test_airflow_takes_the_monitor_with_its_parameters(tmp_path: Path, s3: S3Server) -> None:
    """It refuses parameters without a default; its own installation takes no part here."""
    variables = {
        "METAFLOW_S3_ENDPOINT_URL": s3.url,
        "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
    }
    settings = config(tmp_path, CLUSTER)
    made = flow(
        "monitor", settings, "--datastore", "s3", "airflow", "create", "dag.py", **variables
    )
    assert made.returncode == 0, made.stderr
    dag = (tmp_path / "dag.py").read_text()
    assert CLUSTER["image"] in dag
    assert "15 * * * *" in dag
    assert all(name in dag for name in CLUSTER["secrets"])
