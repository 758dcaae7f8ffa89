"""Names of columns and rows, made when someone asks for them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyomo.core.base.component_namer import index_repr

from capacity.solving.compiler import Block


class Labels(Mapping[str, tuple[NDArray[np.int64], list[Any]]]):
    """{variable: (positions of its columns, their indices)}"""

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        self.blocks = blocks
        self._made: dict[str, tuple[NDArray[np.int64], list[Any]]] = {}

    def __getitem__(self, name: str) -> tuple[NDArray[np.int64], list[Any]]:
        if name not in self._made:
            block = self.blocks[name]
            self._made[name] = (np.arange(block.first, block.first + block.size), block.space.indices())
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __contains__(self, name: object) -> bool:
        return name in self.blocks

    def span(self, name: str) -> slice:
        """Positions of a variable's columns."""
        block = self.blocks[name]
        return slice(block.first, block.first + block.size)

    def same(self, other: Labels) -> bool:
        """Whether the columns are the same, in the same order."""
        return _same(self.blocks, other.blocks)

    def size(self, name: str) -> int:
        """Number of a variable's columns."""
        return self.blocks[name].size

    def keys_of(self, name: str) -> list[Any]:
        """Each part of a variable's indices as a Categorical, one entry a column."""
        return [pd.Categorical.from_codes(c.codes, c.labels) for c in self.blocks[name].space.columns()]


class RowNames(Sequence[str]):
    """Names of all rows, such as `limits_hold[budget 2031]`."""

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        self.blocks = {name: block for name, block in blocks.items() if block.size}
        self._names, self._first = list(self.blocks), [block.first for block in self.blocks.values()]
        self._size = sum(block.size for block in self.blocks.values())

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        return _same(self.blocks, other.blocks) if isinstance(other, RowNames) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def span(self, name: str) -> tuple[slice, list[Any]]:
        """(positions of a rule's rows, their indices)"""
        if name not in self.blocks:
            return slice(0, 0), []
        block, indices = self.blocks[name], self.blocks[name].space.indices()
        standing = range(block.size) if block.standing is None else block.standing
        return slice(block.first, block.first + block.size), [indices[at] for at in standing]

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._size))]
        if not -self._size <= at < self._size:
            raise IndexError(at)
        at = int(at) % self._size
        name = self._names[bisect_right(self._first, at) - 1]
        block = self.blocks[name]
        return written(name, block.index(at - block.first), block)

    def __iter__(self) -> Iterator[str]:
        for name, block in self.blocks.items():
            indices = block.space.indices()
            standing = range(block.size) if block.standing is None else block.standing
            for at in standing:
                yield written(name, indices[at], block)


def _same(one: Mapping[str, Block], other: Mapping[str, Block]) -> bool:
    """Whether blocks have the same names, sizes and indices."""
    if list(one) != list(other) or any(one[n].first != other[n].first or one[n].size != other[n].size for n in one):
        return False
    return all(_same_indices(one[n], other[n]) for n in one if one[n].size)


def _same_indices(one: Block, other: Block) -> bool:
    if one.space.size != other.space.size or one.space.width != other.space.width:
        return False
    mine, theirs = (np.arange(b.size) if b.standing is None else b.standing for b in (one, other))
    if not np.array_equal(mine, theirs):
        return False
    columns = zip(one.space.columns(), other.space.columns(), strict=True)
    return all(a.labels is not None and a.labels.equals(b.labels) and np.array_equal(a.codes, b.codes)
               for a, b in columns)


def written(name: str, index: Any, block: Block) -> str:
    """A component's name with its index, as Pyomo writes it."""
    return f"{name}{index_repr(index)}" if block.space.width else name
