"""The rules of Camtrap-DP 1.0.2, from copies of its own schemas: what a package breaks of them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

SCHEMAS = Path(__file__).parent / "camtrap_dp"
TABLES = ("deployments", "media", "observations")
# Schemas that the profile refers to, of forms that are checked elsewhere: nothing is fetched.
ELSEWHERE = (
    "https://specs.frictionlessdata.io/schemas/data-package.json",
    "http://json.schemastore.org/geojson.json",
)
READ = {
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
    "datetime": lambda text: datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z"),
    "string": str,
    "any": str,
}


def schema(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text(encoding="utf-8"))


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def violations(folder: Path) -> list[str]:
    """Every rule that a package breaks, with table, row and column."""
    anything = Resource.from_contents({}, default_specification=DRAFT4)
    profile = jsonschema.Draft4Validator(
        schema("camtrap-dp-profile.json"),
        registry=Registry().with_resources([(address, anything) for address in ELSEWHERE]),
        format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
    )
    content = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    broken = [f"datapackage.json: {error.message}" for error in profile.iter_errors(content)]
    for name in TABLES:
        rules = schema(f"{name}-table-schema.json")
        broken += [f"{name}.csv, {what}" for what in _of_table(folder, name, rules)]
    return broken


def _of_table(folder: Path, name: str, rules: Any) -> Iterator[str]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    if columns != [field["name"] for field in rules["fields"]]:
        yield f"columns {columns}"
    rows = table(folder, name)
    for number, row in enumerate(rows, 2):
        for field in rules["fields"]:
            text, limits = row[field["name"]], field["constraints"]
            where = f"row {number}, {field['name']} = {text!r}"
            if text in rules["missingValues"]:
                if limits.get("required"):
                    yield f"{where}: required"
            else:
                yield from (f"{where}: {what}" for what in _of_cell(text, field["type"], limits))
    for field in rules["fields"]:
        values = [row[field["name"]] for row in rows]
        if field["constraints"].get("unique") and len(set(values)) < len(values):
            yield f"{field['name']}: not unique"
    for key in rules.get("foreignKeys", ()):
        target, column = key["reference"]["resource"], key["reference"]["fields"]
        known = {row[column] for row in table(folder, target)}
        lost = {row[key["fields"]] for row in rows} - known - {""}
        yield from (f"{key['fields']} = {value!r} is not in {target}" for value in lost)


def _of_cell(text: str, kind: str, limits: Any) -> Iterator[str]:
    try:
        value: Any = READ[kind](text)
    except (ValueError, KeyError):
        yield f"no {kind}"
        return
    if "enum" in limits and text not in limits["enum"]:
        yield f"none of {limits['enum']}"
    if "pattern" in limits and re.match(limits["pattern"], text) is None:
        yield f"not like {limits['pattern']}"
    if not limits.get("minimum", value) <= value <= limits.get("maximum", value):
        yield "out of range"
