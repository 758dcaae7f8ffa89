"""From a scenario file to a checked Scenario, and back to text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from capacity.errors import InputError
from capacity.scenario.check import disagreements
from capacity.scenario.layers import DEFAULT, NAME_LISTS, find_scenario, list_scenarios, read_layers
from capacity.scenario.messages import explain, raise_for
from capacity.scenario.schema import Scenario

__all__ = ["differences", "find_scenario", "json_schema", "list_scenarios", "load_scenario", "resolved",
           "scenario_hash"]


def load_scenario(source: str | Path | None = None, sets: Sequence[str] = ()) -> Scenario:
    """The scenario in a file, or a shipped one by name; None: the default, `human-equivalents`.

    `sets` are `path=value` overrides, applied in order on top. Everything is checked but the names that the catalogue
    must know (`check_against` does that). Raises InputError with one line for each thing wrong: file, line, key, what
    was given, what is allowed.
    """
    layers = read_layers(source or DEFAULT, sets)
    try:
        scenario = Scenario.model_validate(layers.data)
    except ValidationError as error:
        problems = explain(error, layers.data)
        raise_for(problems, layers)
        raise
    raise_for(disagreements(scenario), layers)
    for i, folder in enumerate(scenario.catalogue):
        if not Path(folder).is_dir():
            raise InputError(f"{layers.mark(('catalogue', str(i)))}: catalogue: {folder}: no such folder")
    return scenario.remember(layers)


def resolved(scenario: Scenario) -> str:
    """The whole scenario as YAML, defaults included, quantities as plain numbers; `load_scenario` reads it back."""
    head = (
        "# A resolved scenario: nothing is inherited and every default is written out.\n"
        "# Plain numbers: MW, USD, USD/hour, USD/kWh, seconds, tokens, Gb/s, GB/year; shares 0..1; growth per year.\n"
    )
    body: str = yaml.dump(_dumped(scenario), sort_keys=False, allow_unicode=True, width=120)
    return head + body


def scenario_hash(scenario: Scenario) -> str:
    """SHA-256, in hex, of the scenario in canonical JSON; overlay folders count by their files, not by their place."""
    data = _dumped(scenario)
    data["catalogue"] = [_folder_hash(Path(folder)) for folder in scenario.catalogue]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(one: Scenario, other: Scenario) -> list[str]:
    """What differs between two scenarios, a key each: `years.last was 2030, is 2031`."""
    was, now = _leaves(_dumped(one)), _leaves(_dumped(other))
    keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
    return [f"{key} was {was.get(key, 'absent')}, is {now.get(key, 'absent')}" for key in keys]


def _leaves(data: Any, path: str = "") -> dict[str, Any]:
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else None
    if parts is None or not data:
        return {path: data}
    return {k: v for key, part in parts for k, v in _leaves(part, f"{path}.{key}" if path else str(key)).items()}


def _dumped(scenario: Scenario) -> dict[str, Any]:
    data: dict[str, Any] = scenario.model_dump(mode="json")
    return data


def _folder_hash(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def json_schema() -> dict[str, Any]:
    """JSON Schema of a scenario file, for editors: `extends`, lists of names and quantities with units included.

    Only a file without `extends` needs every top-level key; deeper keys are never demanded, since a base may hold them.
    """
    schema: dict[str, Any] = Scenario.model_json_schema()
    needed = schema.pop("required")
    for part in schema["$defs"].values():
        part.pop("required", None)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "capacity scenario"
    base = {"type": "string", "description": "another scenario file, or a shipped one by name"}
    schema["properties"]["extends"] = base
    schema["anyOf"] = [{"required": ["extends"]}, {"required": needed}]
    for key in NAME_LISTS:
        mapping = schema["properties"][key]
        names = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
        schema["properties"][key] = {"title": mapping.pop("title"), "anyOf": [mapping, names]}
    return schema
