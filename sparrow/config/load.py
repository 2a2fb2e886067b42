"""YAML, overrides and stored values -> ``Config``, or a refusal that says what was expected."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sparrow.config.base import ConfigError, Section, watch_reads
from sparrow.config.data import ALL, plural_faults
from sparrow.config.renamed import renamed_key, translate_config
from sparrow.config.search_space import space_faults
from sparrow.config.trials import change_key, idle_parameters
from sparrow.config.whole import Config, get_key
from sparrow.nearest_name import nearest_name

S = TypeVar("S", bound=Section)


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML file and apply ``key.path=value`` overrides.

    Raises:
        ConfigError: no such file, not YAML, unknown key, wrong type or range.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"config {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"config {path}: not UTF-8 text ({error})") from error
    return parse_config(text, overrides)


def parse_config(text: str, overrides: Sequence[str] = ()) -> Config:
    """YAML text and overrides -> Config (see ``load_config``).

    A text that names no ``data.classes`` means all of the set.
    """
    values = _read_mapping(text)
    for override in overrides:
        _apply_override(values, override)
    data = values.setdefault("data", {})
    if isinstance(data, dict):
        data.setdefault("classes", ALL)
    return _with_usable_keys(make_config(values))


def read_stored(kind: type[S], text: str, where: str) -> S:
    """YAML text that some release wrote -> sections by themselves, as strictly as a whole config.

    Raises:
        ConfigError: see ``make_config``; its lines begin with ``where``.
    """
    return _validate(kind, translate_config(_read_mapping(text)), where)


def _place(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself: a password may stand in it."""
    mark = getattr(error, "problem_mark", None)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
    return f"{getattr(error, 'problem', None) or 'unreadable characters'}{where}"


def _read_mapping(text: str) -> dict[str, Any]:
    try:
        values = yaml.load(text, _UniqueKeyLoader) or {}  # noqa: S506 a SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"config is not valid YAML: {_place(error)}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"config must be a mapping of sections, found {type(values).__name__}")
    return values


def make_config(values: Mapping[str, Any]) -> Config:
    """A mapping (from YAML or an artifact) -> Config.

    Its search space is not checked: a model made before a rule of it came still opens.

    Raises:
        ConfigError: one line per fault, with the key's path and, for a name, the allowed ones.
    """
    return _validate(Config, values, "config")


def _validate(kind: type[S], values: Mapping[str, Any], where: str) -> S:
    try:
        # JSON mode: lists become tuples, while "3" still does not become 3.
        with watch_reads(None):
            return kind.model_validate_json(json.dumps(values))
    except (TypeError, ValueError) as error:
        if not isinstance(error, ValidationError):
            raise ConfigError(f"{where}: {error}") from error
        lines = [_explain(dict(fault), kind) for fault in error.errors()]
        raise ConfigError(f"{where}:\n  " + "\n  ".join(dict.fromkeys(lines))) from None


def stored_config(values: Mapping[str, Any]) -> Config:
    """A config that an earlier release may have stored, in a model or elsewhere -> ``Config``.

    Raises:
        ConfigError: see ``make_config``.
    """
    return make_config(translate_config(values))


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """A copy with ``key.path=value`` texts applied.

    Raises:
        ConfigError: see ``make_config``.
    """
    tree = config.model_dump(mode="json")
    for override in overrides:
        _apply_override(tree, override)
    return _with_usable_keys(make_config(tree))


def with_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A copy with some keys replaced: ``{"training.learning_rate": 0.01}``."""
    tree = config.model_dump(mode="json")
    for key, value in values.items():
        with watch_reads(None):
            get_key(config, key)
        change_key(tree, key, value)
    return make_config(tree)


def with_trial_values(config: Config, values: Mapping[str, Any]) -> Config:
    """A copy as a trial with these values trains with it.

    Parameters of a class that are tuned under a condition which does not hold are not in it.
    """
    tree = config.model_dump(mode="json")
    with watch_reads(None):
        idle = idle_parameters(config, values)
        for key in values:
            get_key(config, key)
    for key in idle:
        change_key(tree, key)
    for key, value in values.items():
        change_key(tree, key, value)
    return make_config(tree)


def _with_usable_keys(config: Config) -> Config:
    with watch_reads(None):
        data = config.data
        faults = space_faults(config) + (plural_faults(data, data.classes) if data.classes else [])
    if faults:
        raise ConfigError("config:\n  " + "\n  ".join(faults))
    return config


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML in which a key that is there twice is a fault; PyYAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """As in YAML, every key once."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            if key_node.value in seen:
                line = key_node.start_mark.line + 1
                raise ConfigError(
                    f"config: {key_node.value!r} is there twice, again in line {line}"
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"override {override!r}: expected key.path=value")
    if key.split(".")[0].strip() == "cluster":
        raise ConfigError(
            f"override {override!r}: it comes too late for the cluster; write it into the file"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"override {override!r}: the value is not valid YAML") from error
    if isinstance(value, str):
        with contextlib.suppress(ValueError):  # YAML 1.1 reads 1e-3 as text
            value = float(value)
    change_key(values, key.strip(), value)


def _explain(fault: dict[str, Any], kind: type[BaseModel]) -> str:
    location = [str(part) for part in fault["loc"]]
    path = ".".join(location)
    if fault["type"] != "extra_forbidden":
        shown = "" if isinstance(fault["input"], dict) else f" (found {fault['input']!r})"
        return f"{path or 'config'}: {fault['msg'].removeprefix('Value error, ')}{shown}"
    if new := renamed_key(path):
        return f"{path}: this key is now called {new}"
    section: Any = kind
    for name in location[:-1]:
        field = section.model_fields.get(name) if hasattr(section, "model_fields") else None
        # No field's name is a key of a mapping, of which the section is known already.
        section = _section_type(field.annotation) if field is not None else section
    names = list(section.model_fields) if section is not None else []
    nearest = nearest_name(location[-1], names)
    hint = f" Did you mean {nearest!r}?" if nearest else ""
    return f"{path}: there is no such key.{hint} Allowed here: {', '.join(names)}"


def _section_type(annotation: Any) -> Any:
    for choice in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None
