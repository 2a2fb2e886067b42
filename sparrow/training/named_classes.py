"""Classes of a library by their name, with parameters of their own, as a config gives them.

What a class takes is read from its signature. A parameter that is an object itself, such as the
pruner that ``PatientPruner`` wraps, is given as a name or as ``{name: {parameter: value}}``.
"""

from __future__ import annotations

import difflib
import importlib.util
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from sparrow.config import ConfigError

FUNCTION = "Callable"  # in the annotation of a parameter that is a function of Python's
Parameters = Mapping[str, Any]  # of any type that YAML has


@dataclass(frozen=True)
class Family:
    """The classes that one key of the config may name.

    Attributes:
        key: of the name; the parameters are at the same key with ``_parameters``.
        module: of the library.
        base: what they all descend from; it and its private kin are not among them.
        short_names: Sparrow's own, for the nearest name of a typo.
        supplied: parameter -> why a config does not give it.
        refused: class -> why it cannot be used.
        packages: class -> the package that it needs.
    """

    key: str
    module: ModuleType
    base: type
    short_names: tuple[str, ...] = ()
    supplied: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """The classes that can be used, by name."""
        kinds = {name: getattr(self.module, name) for name in dir(self.module)}
        return [
            name
            for name, kind in kinds.items()
            if inspect.isclass(kind)
            and issubclass(kind, self.base)
            and kind is not self.base
            and not name.startswith(("_", "Base"))
            and name not in {self.base.__name__, *self.refused}
        ]

    def find(self, name: str) -> type:
        """The class of that name.

        Raises:
            ConfigError: there is none, it cannot be used here, or its package is missing.
        """
        if name in self.refused:
            raise ConfigError(f"{self.key}: {name} cannot be used: {self.refused[name]}")
        names = self.names()
        if name not in names:
            known = [*self.short_names, *names]
            raise ConfigError(
                f"{self.key}: there is no {name} in {self.module.__name__}.{_nearest(name, known)} "
                f"Allowed here: {', '.join(known)}"
            )
        package = self.packages.get(name)
        if package and importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"{self.key}: {name} needs the package {package}, which is not installed: "
                f"pip install {package}"
            )
        kind: type = getattr(self.module, name)
        return kind

    def check(self, name: str, parameters: Parameters) -> type:
        """The class of that name, if these parameters are its own.

        Raises:
            ConfigError: see ``find``; or a parameter is unknown, missing or not for a config.
        """
        kind = self.find(name)
        signature = list(inspect.signature(kind).parameters.values())
        own = {p.name: p for p in signature if p.name not in self.supplied}
        allowed = [p for p in own if not _is_function(own[p])]
        shown = f"{name} takes {', '.join(allowed) or 'no parameters'}"
        where = f"{self.key}_parameters"
        for given in parameters:
            if given in self.supplied and given in {p.name for p in signature}:
                raise ConfigError(f"{where}.{given}: {self.supplied[given]}; leave it out")
            if given not in own:
                hint = _nearest(given, allowed)
                raise ConfigError(f"{where}.{given}: {name} has no such parameter.{hint} {shown}")
            if _is_function(own[given]) and parameters[given] is not None:
                raise ConfigError(
                    f"{where}.{given}: it is a function of Python's, which a config cannot hold; "
                    f"leave it out. {shown}"
                )
        missing = [p for p in own if own[p].default is inspect.Parameter.empty]
        missing = [p for p in missing if p not in parameters]
        if missing:
            raise ConfigError(f"{where}: {name} needs {', '.join(missing)}. {shown}")
        return kind

    def make(self, name: str, parameters: Parameters, supplied: Parameters) -> Any:
        """The object of that name.

        Args:
            name: of the class.
            parameters: as the config gives them, objects among them already made.
            supplied: what Sparrow gives it.

        Raises:
            ConfigError: see ``check``; or the class refuses the values.
        """
        kind = self.check(name, parameters)
        try:
            return kind(**supplied, **parameters)
        except ConfigError:
            raise
        except Exception as error:  # the libraries have no one type for values they refuse
            given = ", ".join(f"{key}={value!r}" for key, value in parameters.items())
            raise ConfigError(f"{self.key}: {name}({given}) is refused: {error}") from error


def read_nested(value: Any, where: str) -> tuple[str, dict[str, Any]]:
    """``Name`` or ``{Name: {parameter: value}}``, as a config gives an object -> name, parameters.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        name, parameters = next(iter(value.items()))
        if parameters is None or isinstance(parameters, Mapping):
            return str(name), dict(parameters or {})
    raise ConfigError(
        f"{where}: expected a name, or a name with its parameters, "
        f"{{Name: {{parameter: value}}}}; found {value!r}"
    )


def _nearest(name: str, known: list[str]) -> str:
    lower = {text.lower(): text for text in known}
    close = difflib.get_close_matches(name, known, n=1)
    close = close or [lower[x] for x in difflib.get_close_matches(name.lower(), list(lower), n=1)]
    return f" Did you mean {close[0]}?" if close else ""


def _is_function(parameter: inspect.Parameter) -> bool:
    return FUNCTION in str(parameter.annotation)
