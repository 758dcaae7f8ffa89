"""One safe way to read a YAML mapping: no tags, no key twice, errors with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from capacity.errors import InputError

_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same rules; the one in C is ten times as fast where PyYAML was built with it."""


class _Loader(_Safe):  # type: ignore[misc]
    """Safe loader that refuses a key given twice in one mapping."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key `{key}` is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds. Raises InputError for a missing, unreadable, malformed or non-mapping file."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    try:
        given = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{path}:{line} not valid YAML: {problem}") from None
    if not isinstance(given, dict):
        raise InputError(f"{path}: must hold a mapping of keys to values, not {type(given).__name__}")
    return given
