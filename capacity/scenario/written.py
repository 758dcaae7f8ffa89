"""A scenario as it was written: plain data, and the file and line of each key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from capacity.scenario.yaml_lines import KeyPath, Mark, Marks


@dataclass(frozen=True)
class Layers:
    """A scenario as written, all layers merged: plain data and where each key was written."""

    data: dict[str, Any]
    marks: Marks = field(default_factory=dict)

    def mark(self, path: KeyPath) -> Mark:
        """Where the key at the path, or the nearest one above it, was written."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark("scenario", 0))


class Origin:
    """Where each key was written, for messages. Any two are equal: a scenario is the same wherever it was written."""

    def __init__(self, layers: Layers | None = None) -> None:
        self.layers = layers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)

    def __hash__(self) -> int:
        return 0
