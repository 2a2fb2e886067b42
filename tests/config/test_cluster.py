"""The section ``cluster``: names of Kubernetes objects and steps' needs, and no secret."""

from __future__ import annotations

import pytest

from sparrow.config import Config, ConfigError, changed_values, make_config, with_overrides


def test_it_is_absent_unless_somebody_writes_it() -> None:
    assert Config().cluster is None
    empty = make_config({"cluster": {}})
    assert empty.cluster is not None
    assert empty.cluster.secrets == ()
    assert changed_values(Config(), Config()) == {}
    assert list(changed_values(Config(), empty)) == ["cluster"]
    assert changed_values(empty, Config()) == {"cluster": None}


@pytest.mark.parametrize(
    "image",
    ["sparrow", "sparrow:1.2", "registry.example.org:5000/birds/sparrow@sha256:" + "0" * 64],
)
def test_an_image_is_named_as_container_engines_do(image: str) -> None:
    cluster = make_config({"cluster": {"image": image}}).cluster
    assert cluster is not None
    assert cluster.image == image


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"secrets": ["DB_PASSWORD=pa55"]}, "cluster.secrets.0: String should match pattern"),
        ({"secrets": ["postgresql://birds:pa55@db/x"]}, "cluster.secrets.0"),
        ({"image": "https://registry.example.org/sparrow"}, "cluster.image"),
        ({"image": "birds:pa55@registry.example.org/sparrow"}, "cluster.image"),
        ({"service_account": "Sparrow"}, "cluster.service_account"),
        ({"event": ""}, "cluster.event"),
        ({"monitor": {"schedule": "hourly"}}, "expected five fields"),
        ({"every_step": {"memory": 0}}, "cluster.every_step.memory"),
        ({"every_step": {"memory": "4Gi"}}, "cluster.every_step.memory"),
        ({"train": {"steps": {"tune": {"cpus": 2}}}}, "Did you mean 'cpu'? Allowed here: cpu,"),
        ({"trian": {}}, "Did you mean 'train'?"),
    ],
)
def test_what_a_cluster_would_not_take_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_config({"cluster": values})
    assert said in str(refused.value)


def test_set_comes_too_late_for_it() -> None:
    """Metaflow has asked the cluster before a parameter is read: it would change nothing."""
    with pytest.raises(ConfigError, match="write it into the file"):
        with_overrides(Config(), ["cluster.image=sparrow:2"])
