"""YAML with line numbers: plain data, and where each key was written.

Safe by construction: only mappings, lists, text, numbers, true/false and null come out. Scalars follow YAML 1.2, so
that `no` stays text and `9:30` is not a number in base sixty. A key given twice is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from capacity.errors import InputError

KeyPath = tuple[str, ...]


@dataclass(frozen=True)
class Mark:
    """Where a value was written: a file and line, or a command-line option (line 0)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


Marks = dict[KeyPath, Mark]


class Removed:
    """An explicit `null`: in a file that extends another, it removes the key."""

    def __repr__(self) -> str:
        return "null"


REMOVED = Removed()


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?\d+", "-+0123456789"),
    ("float", r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def read_yaml(text: str, name: str) -> tuple[Any, Marks]:
    """Data and marks of one YAML document; `name` stands for the file in messages.

    A key of the marks is the path of mapping keys and list positions, as text. An explicit `null` comes back as
    `REMOVED`, an empty value as None. Raises InputError with file and line.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
        reader = _Reader(name)
        data = reader.value(node, ()) if node is not None else None
    except yaml.YAMLError as error:
        raise InputError(_malformed(error, name)) from error
    except RecursionError as error:
        raise InputError(f"{name}: nested too deeply") from error
    return data, reader.marks


def read_yaml_file(path: Path, name: str) -> tuple[Any, Marks]:
    """Like `read_yaml` for a file; raises InputError when it cannot be read or is not UTF-8 text."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    return read_yaml(text, name)


def read_value(text: str, name: str) -> Any:
    """A single YAML value, as after the `=` of `--set`; `REMOVED` for null. `name` is the option, for messages."""
    try:
        return read_yaml(text, "value")[0]
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _malformed(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    problem = " ".join(str(p) for p in parts if p) or str(error).splitlines()[0]
    if "\\t" in problem:
        problem = "a tab is used for indentation; use spaces"
    return f"{where}: malformed YAML: {problem}"


class _Reader:
    """Turns YAML nodes into data, collecting marks on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.marks: Marks = {}
        self.open: set[int] = set()
        self.left = 200_000
        """Values still allowed: stops aliases that multiply without end."""

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        mark = Mark(self.name, node.start_mark.line + 1)
        self.marks.setdefault(path, mark)
        self.left -= 1
        if self.left < 0:
            raise InputError(f"{mark}: too many values (aliases that multiply?)")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            raise InputError(f"{mark}: an alias contains itself")
        self.open.add(id(node))
        result = self.mapping(node, path) if isinstance(node, yaml.MappingNode) else self.items(node, path)
        self.open.discard(id(node))
        return result

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            where = f"{self.name}:{line}: {'.'.join(path) or 'top level'}"
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"{where}: a key must be a name or a number")
            key = str(key_node.value)
            if key in result:
                first = self.marks[(*path, key)].line
                raise InputError(f"{where}: `{key}` is given twice (first in line {first}); keep one of them")
            self.marks[(*path, key)] = Mark(self.name, line)
            result[key] = self.value(value_node, (*path, key))
        return result

    def items(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        return [self.value(item, (*path, str(i))) for i, item in enumerate(node.value)]

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text = str(node.value)
        if kind == "str":
            return text
        if kind == "null":
            return REMOVED if text else None
        if kind == "bool":
            return text.lower() == "true"
        where = f"{self.marks[path]}: {'.'.join(path)}"
        if kind not in ("int", "float"):
            raise InputError(f"{where}: the YAML tag {node.tag} is not allowed; write plain values")
        try:
            return int(text) if kind == "int" else float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        except ValueError as error:
            raise InputError(f"{where}: {text[:40]!r} is not a number") from error
