"""Addresses of stores: where a secret may stand, and what is shown of it."""

from __future__ import annotations

import pytest

from sparrow.config import Config, ConfigError, parse_config
from sparrow.store_url import StoreURLError, hide_secrets, holds_secret, resolve

WITH_SECRET = [
    "postgresql://birds:hunter2@db/log",
    "postgresql+psycopg://birds:hunter2@db:5432/log?sslmode=require",
    "postgresql://db/log?user=birds&password=hunter2",
    "mysql://:hunter2@db/x",
    "https://token:hunter2@tracking.example/",
    "s3://id:hunter2@bucket/path",
    "postgresql://birds:hunter2${REST}@db/log",
    "postgresql://db/log?sslpassword=hunter2",
]
WITHOUT = [
    "", "sqlite:///.sparrow/log.db", ".sparrow/artifacts", "s3://bucket/path", "postgresql://db/log",
    "postgresql://birds@db/log", "postgresql://birds:${DB_PASSWORD}@db/log", "${LOG_URL}",
    "postgresql://db/log?sslkey=/etc/key.pem", "https://tracking.example:5000/",
]  # fmt: skip


@pytest.mark.parametrize("url", WITHOUT)
def test_an_address_without_a_secret_is_shown_as_it_is(url: str) -> None:
    assert not holds_secret(url)
    assert hide_secrets(url) == url


@pytest.mark.parametrize("url", WITH_SECRET)
@pytest.mark.parametrize(
    "key", ["tracking", "registry", "tuning", "promotion_log", "prediction_log", "artifacts"]
)
def test_a_secret_is_refused_and_not_repeated(url: str, key: str) -> None:
    for attempt in (
        lambda: parse_config(f"stores: {{{key}: '{url}'}}"),
        lambda: parse_config("", [f"stores.{key}={url}"]),
    ):
        with pytest.raises(ConfigError, match=r"\$\{NAME\}") as refused:
            attempt()
        assert "hunter2" not in str(refused.value)
        assert key in str(refused.value)
    assert "hunter2" not in hide_secrets(url)


def test_the_environment_gives_the_secret_when_the_store_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "a/b@c:d %")
    monkeypatch.setenv("LOG_URL", "sqlite:////tmp/log.db")
    # Quoted, or the rest of the password would be taken for the host.
    assert resolve("postgresql://birds:${DB_PASSWORD}@db/log") == (
        "postgresql://birds:a%2Fb%40c%3Ad%20%25@db/log"
    )
    assert resolve("${LOG_URL}") == "sqlite:////tmp/log.db"
    assert resolve("sqlite:///a.db") == "sqlite:///a.db"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("DB_PASSWORD", raising=False)
    if value is not None:
        monkeypatch.setenv("DB_PASSWORD", value)
    with pytest.raises(StoreURLError, match="DB_PASSWORD"):
        resolve("postgresql://birds:${DB_PASSWORD}@db/log")


@pytest.mark.parametrize("key", ["artifacts", "runs", "champion", "monitoring"])
def test_a_path_takes_no_variable(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        parse_config(f"stores: {{{key}: 's3://${{KEY}}@bucket'}}")


def test_what_describes_a_model_is_not_of_this_machine() -> None:
    described = Config().of_the_training()
    assert not {"stores", "service", "storage", "monitoring", "promotion"} & set(described)
    assert not {"root", "new", "rejected", "prepared"} & set(described["data"])
    assert described["data"]["classes"] == ["house_sparrow"]
    assert described["training"]["epochs"] == Config().training.epochs
