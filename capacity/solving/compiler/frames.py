"""Frames: all rows of one rule, or all terms of one of its sums, as arrays that belong together.

A frame of n rows binds placeholders to columns of n codes. A sum inside it is a frame of its own: `up` leads from each
of its terms to the row it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capacity.formulation.relations import Column, Relation

Rows = NDArray[np.integer[Any]]


class Frame:
    """`size` rows; placeholders (by identity) are bound to coded columns; `runs` tells which row of a relation the
    placeholders of that relation stand for, so that looking the same index up again costs nothing. `positions` are
    those of the outermost frame's rows in the index set of the rule; `whole` says that these are all, in order."""

    def __init__(self, size: int, parent: Frame | None = None, up: Rows | None = None) -> None:
        self.size, self.parent, self.up = size, parent, up
        self._bound: dict[int, tuple[Column, Rows | None]] = {}
        self.whole = parent is None
        self.runs: dict[int, tuple[Relation, tuple[int, ...], Rows]] = {}
        self.positions: Rows | None = None if parent is not None else np.arange(size)
        self._lifts: dict[int, Rows] = {}

    def bind(self, placeholders: Sequence[Any], relation: Relation, rows: Rows | None = None) -> None:
        """Placeholders of one relation's columns; `rows` are its rows that stand here (None: all, in order)."""
        for one, column in zip(placeholders, relation.columns, strict=True):
            self._bound[id(one)] = column, rows
        here = np.arange(self.size) if rows is None else rows
        self.runs[id(relation)] = (relation, tuple(id(p) for p in placeholders), here)

    def column(self, placeholder: int) -> Column:
        """What a placeholder bound here stands for; its rows are taken when someone asks first."""
        column, rows = self._bound[placeholder]
        if rows is not None:
            column = column.take(rows)
            self._bound[placeholder] = column, None
        return column

    def filtered(self, keep: NDArray[np.bool_]) -> Frame:
        """The rows where `keep` is true."""
        rows = np.flatnonzero(keep)
        out = Frame(len(rows), self.parent, None if self.up is None else self.up[rows])
        left: dict[int, Rows] = {}  # of each array of rows once, however many columns share it

        def of(before: Rows | None) -> Rows:
            if before is None:
                return rows
            if id(before) not in left:
                left[id(before)] = before[rows]
            return left[id(before)]

        out.whole = False
        out._bound = {one: (column, of(before)) for one, (column, before) in self._bound.items()}
        out.positions = None if self.positions is None else self.positions[rows]
        out.runs = {one: (relation, ids, of(at)) for one, (relation, ids, at) in self.runs.items()}
        return out

    def owner(self, placeholder: int) -> Frame | None:
        """The nearest frame that binds a placeholder."""
        frame: Frame | None = self
        while frame is not None and placeholder not in frame._bound:
            frame = frame.parent
        return frame

    def outermost(self) -> Frame:
        """The frame of the rule's own rows."""
        return self if self.parent is None else self.parent.outermost()

    def depth(self) -> int:
        """Number of frames around this one."""
        return 0 if self.parent is None else 1 + self.parent.depth()

    def lift(self, values: Any, owner: Frame) -> Any:
        """Values of an outer frame (an array or one number) at this frame's rows."""
        if owner is self or not isinstance(values, np.ndarray):
            return values
        return values[self.pointer(owner)]

    def pointer(self, owner: Frame) -> Rows:
        """This frame's rows in an outer frame."""
        if id(owner) not in self._lifts:
            if self.parent is None:  # the rule's rows before it asked about its index; those gone are dropped later
                assert self.positions is not None
                assert owner.positions is not None
                at = np.minimum(np.searchsorted(owner.positions, self.positions), owner.size - 1)
                self._lifts[id(owner)] = at
            else:
                assert self.up is not None
                self._lifts[id(owner)] = self.up if self.parent is owner else self.parent.pointer(owner)[self.up]
        return self._lifts[id(owner)]


def crossed(parent: Frame, placeholders: Sequence[Any], relation: Relation) -> Frame:
    """Every row of the parent with every row of a relation."""
    n, k = parent.size, relation.size
    frame = Frame(n * k, parent, np.repeat(np.arange(n), k))
    frame.bind(placeholders, relation, np.tile(np.arange(k), n))
    return frame


def joined(parent: Frame, placeholders: Sequence[Any], start: Rows, members: Relation, group: Rows) -> Frame:
    """Every row of the parent with the members of its group (start[g] .. start[g + 1]); group -1 has none."""
    if parent.size == len(start) - 1 and np.array_equal(group, np.arange(parent.size)):
        up = np.repeat(np.arange(parent.size), np.diff(start))
        frame = Frame(members.size, parent, up)
        frame.bind(placeholders, members)
        return frame
    known = np.maximum(group, 0)
    count = np.where(group >= 0, start[known + 1] - start[known], 0) if len(start) > 1 else np.zeros(len(group), int)
    up = np.repeat(np.arange(parent.size), count)
    frame = Frame(len(up), parent, up)
    before = np.cumsum(count) - count  # terms of the rows above: the first member stands there
    rows = np.repeat(start[known] - before, count) + np.arange(len(up)) if len(up) else np.zeros(0, dtype=np.int64)
    frame.bind(placeholders, members, rows)
    return frame
