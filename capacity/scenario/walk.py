"""The shape of a scenario: which keys stand at a path, read from the typed models themselves."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from capacity.scenario.schema import Scenario
from capacity.scenario.yaml_lines import KeyPath

PLAIN = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def _branches(annotation: Any) -> list[Any]:
    """The plain types behind Annotated and Union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [b for part in get_args(annotation) for b in _branches(part)]
    return [annotation]


def _types_at(path: KeyPath) -> list[Any]:
    """Types a value at the path may have; empty for a path the scenario does not know."""
    found: list[Any] = [Scenario]
    for key in path:
        below: list[Any] = []
        for kind in found:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                if key in kind.model_fields:
                    below += _branches(kind.model_fields[key].annotation)
            elif get_origin(kind) is dict:
                below += _branches(get_args(kind)[1])
            elif get_origin(kind) is list:
                below += _branches(get_args(kind)[0])
        found = below
    return found


def keys_at(path: KeyPath) -> list[str] | None:
    """The keys the scenario knows at a path; None where users choose the names (sites, classes, years, ...).

    Empty for a list and for a single value.
    """
    kinds = _types_at(path)
    if any(get_origin(kind) is dict for kind in kinds):
        return None
    parts = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return sorted({key for part in parts for key in part.model_fields})


def allowed_at(path: KeyPath) -> list[str]:
    """In words, the forms a value at the path may take: named choices, a mapping, a list, a number."""
    words: list[str] = []
    for kind in _types_at(path):
        if get_origin(kind) is Literal:
            words += [f"`{choice}`" for choice in get_args(kind)]
        elif get_origin(kind) is list:
            words.append("a list")
        elif get_origin(kind) is dict:
            words.append("a mapping")
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            words.append("a mapping of " + ", ".join(kind.model_fields))
        elif kind in PLAIN:
            words.append(PLAIN[kind])
    return list(dict.fromkeys(words))
