"""Validation errors in the user's words: file, line, key, what was given, what is allowed, the nearest valid name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from capacity.errors import InputError, nearest
from capacity.scenario.walk import allowed_at, keys_at
from capacity.scenario.written import Layers
from capacity.scenario.yaml_lines import KeyPath

BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
SPECIFIC = (*BOUNDS, "quantity", "extra_forbidden", "missing", "too_short", "string_pattern_mismatch")
"""Errors that say something about the value itself, in the order a reader wants them."""
SHOWN = 12


def raise_for(problems: Sequence[tuple[KeyPath, str]], layers: Layers) -> None:
    """Raise one InputError for all problems (path, message), one line each in the order written; none: return."""
    if not problems:
        return
    ordered = sorted(problems, key=lambda p: (layers.mark(p[0]).file, layers.mark(p[0]).line))
    lines = list(dict.fromkeys(f"{layers.mark(path)}: {dotted(path)}: {message}" for path, message in ordered))
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    raise InputError("\n".join(lines[:SHOWN] + more))


def dotted(path: KeyPath) -> str:
    """A path as users write it."""
    return ".".join(path) or "scenario"


def explain(error: ValidationError, data: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """(path, message) of each thing wrong; of a value that fits no alternative, the alternative it came nearest to."""
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors():
        by_path.setdefault(_path(detail, data), []).append(detail)
    deepest = [p for p in by_path if not any(q != p and q[: len(p)] == p for q in by_path)]
    return [(path, _message(path, by_path[path])) for path in deepest]


def _path(detail: ErrorDetails, data: dict[str, Any]) -> KeyPath:
    """The error's place as keys of the data: pydantic's names of alternatives in between are left out."""
    path: list[str] = []
    node: Any = data
    for i, step in enumerate(detail["loc"]):
        key = str(step)
        last = i == len(detail["loc"]) - 1
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and isinstance(step, int) and step < len(node):
            node = node[step]
        elif not (last and detail["type"] == "missing"):
            continue
        path.append(key)
    return tuple(path)


def _message(path: KeyPath, details: list[ErrorDetails]) -> str:
    ranked = sorted(details, key=lambda d: SPECIFIC.index(d["type"]) if d["type"] in SPECIFIC else len(SPECIFIC))
    first, given, context = ranked[0], ranked[0]["input"], ranked[0].get("ctx", {})
    kind = first["type"]
    if kind == "extra_forbidden":
        return unknown(path[-1], keys_at(path[:-1]) or [], "key")
    if kind == "missing":
        return "is needed but not given"
    if kind in BOUNDS:
        key, word = BOUNDS[kind]
        return f"{_shown(given)} is given; it must be {word} {context[key]:g}"
    if kind == "string_pattern_mismatch":
        return f"{given!r} is given; start with a letter or digit and leave out slashes, for it names the plan's folder"
    if kind == "too_short":
        return "is empty; at least one entry is needed"
    others = allowed_at(path)
    if kind == "quantity":
        rest = [word for word in others if word != "a number"]
        return first["msg"] + (f", or {' or '.join(rest)}" if rest else "")
    if path and keys_at(path[:-1]) is None and any(d["loc"][-1] == "[key]" for d in details):
        return f"`{path[-1]}` is not a year from 1990 to 2100"
    if isinstance(given, str) and others:
        choices = [o.strip("`") for o in others if o.startswith("`")]
        near = nearest(given, choices)
        hint = f"; did you mean `{near}`?" if near else ""
        return f"{given!r} is given; allowed: {', '.join(others)}{hint}"
    wanted = " or ".join(others) or first["msg"].replace("Input should be ", "")
    return f"{_shown(given)} is given; needed: {wanted}"


def unknown(name: str, valid: Sequence[str], what: str) -> str:
    """`unknown site; did you mean ...?`, or the list of valid names when none is near."""
    near = nearest(name, list(valid))
    if near:
        return f"unknown {what} `{name}`; did you mean `{near}`?"
    shown = ", ".join(list(valid)[:40]) + (", ..." if len(valid) > 40 else "")
    return f"unknown {what} `{name}`; allowed: {shown or 'none'}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float):
        return f"{value:g}"
    return "nothing" if value is None else repr(value)
