"""Tables as the index sets, groups and parameters of Pyomo rules, held as arrays.

A rule that asks for one index (`size[k]`, `(p, y) in m.OPENING`, `for a in m.ACTIVITIES[p, k]`) gets one answer, as
from a dict or a Pyomo Set. While a rule is being recorded its indices are placeholders, and the same words are written
down instead: `capacity.solving.compiler` then answers them for all rows at once. No tuple is made for a row before
someone asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyomo.core.base.set import OrderedSetOf
from pyomo.core.expr.numeric_expr import Numeric_NPV_Mixin, NumericExpression

from capacity.formulation.numbering import SPARE, numbered_keys, stable_order

Integers = NDArray[np.integer[Any]]


class Column(NamedTuple):
    """One column of a relation: `labels[codes]`, or the numbers themselves where `labels` is None."""

    codes: NDArray[Any]
    labels: pd.Index | None

    def take(self, rows: Any) -> Column:
        """The same column at some rows."""
        return Column(self.codes[rows], self.labels)

    def objects(self) -> list[Any]:
        """Plain Python values."""
        return list(self.codes.tolist() if self.labels is None else self.labels.take(self.codes).tolist())


EMPTY = Column(np.zeros(0, dtype=np.int32), pd.Index([], dtype=object))
"""A column without rows."""


def number_or_word(given: pd.Series) -> Column:
    """A column that is no key: fractions and truth values stay as they are, whole numbers and words are coded."""
    if isinstance(given.dtype, pd.CategoricalDtype) or given.dtype.kind not in "fb":
        return column(given)
    return Column(given.to_numpy(), None)


def column(given: pd.Series) -> Column:
    """Code one column by its distinct values, in order of appearance."""
    if isinstance(given.dtype, pd.CategoricalDtype):
        return Column(given.array.codes, given.array.categories)
    if not len(given):
        return EMPTY
    array = given.to_numpy()
    codes, labels = pd.factorize(array)
    return Column(codes.astype(np.int32), pd.Index(labels, dtype=labels.dtype))


def _listed(given: Sequence[Any]) -> Column:
    """Code plain values as `column` does."""
    position = {value: at for at, value in enumerate(dict.fromkeys(given))}
    codes = np.fromiter(map(position.__getitem__, given), dtype=np.int32, count=len(given))
    word = any(isinstance(value, str | tuple) for value in position)
    return Column(codes, pd.Index(list(position), dtype=object if word else None))


class Relation:
    """Rows of coded columns, each row once where it is used as a set."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = tuple(columns)
        self.size = len(self.columns[0].codes)

    @classmethod
    def of(cls, table: pd.DataFrame, keys: Sequence[str]) -> Relation:
        """Columns of a table, in its order."""
        return cls([column(table[k]) for k in keys])

    @classmethod
    def of_rows(cls, rows: Sequence[Any], width: int) -> Relation:
        """From index tuples, or plain values where the width is one."""
        if not len(rows):
            return cls([EMPTY] * width)
        return cls([_listed(c) for c in ([rows] if width == 1 else zip(*rows, strict=True))])

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.columns)

    def take(self, rows: Any) -> Relation:
        """Some rows."""
        return Relation([c.take(rows) for c in self.columns])

    @cached_property
    def rows(self) -> list[Any]:
        """Index tuples; plain values where the width is one."""
        each = [c.objects() for c in self.columns]
        return each[0] if self.width == 1 else list(zip(*each, strict=True))

    @cached_property
    def positions(self) -> dict[Any, int]:
        """{index: its row}"""
        return {index: at for at, index in enumerate(self.rows)}

    @cached_property
    def strides(self) -> list[int]:
        """What one step of each column's code is worth in the row's key."""
        out, step = [], 1
        for c in reversed(self.columns):
            assert c.labels is not None
            out.append(step)
            step *= max(len(c.labels), 1)
        return out[::-1]

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """One whole number a row, the same for the same index."""
        total = np.zeros(self.size, dtype=np.int64)
        for c, stride in zip(self.columns, self.strides, strict=True):
            total += c.codes.astype(np.int64) * stride
        return total

    @property
    def span(self) -> int:
        """No key is as large."""
        return self.strides[0] * max(len(self.columns[0].labels), 1)  # type: ignore[arg-type]

    @cached_property
    def _direct(self) -> NDArray[np.int32] | None:
        """Row by key, where the keys are dense enough."""
        if self.span > 8 * self.size + SPARE:
            return None
        table = np.full(self.span, -1, dtype=np.int32)
        table[self.keys] = np.arange(self.size, dtype=np.int32)
        return table

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        keys = self.keys
        if np.all(keys[1:] > keys[:-1]):
            return keys, None
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def find(self, keys: NDArray[np.int64]) -> NDArray[Any]:
        """Row of each key; -1 where it has none. Negative keys have none."""
        if not self.size:
            return np.full(len(keys), -1)
        direct = self._direct
        if direct is not None:
            return np.asarray(np.where(keys >= 0, direct[np.maximum(keys, 0)], -1) if keys.min(initial=0) < 0
                              else direct[keys])
        known, order = self._sorted
        at = np.maximum(np.searchsorted(known, keys, side="right") - 1, 0)
        found = at if order is None else order[at]
        return np.where(known[at] == keys, found, -1)

    def distinct(self) -> Relation:
        """Each row once, in order of first appearance."""
        if self.size < 2:
            return self
        _, first = numbered(self)
        return self if len(first) == self.size else self.take(first)


def numbered(relation: Relation) -> tuple[Integers, Integers]:
    """(number of each row's index, in order of first appearance; the row in which each number appears first)"""
    return numbered_keys(relation.keys, relation.span)


class _Rows(Sequence[Any]):
    """The rows of a relation as a sequence, made when someone reads it."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation

    def __len__(self) -> int:
        return self.relation.size

    def __getitem__(self, at: Any) -> Any:
        return self.relation.rows[at]

    def __contains__(self, index: object) -> bool:
        return index in self.relation.positions

    def index(self, index: Any, *_: Any) -> int:
        """Position of an index."""
        if index not in self.relation.positions:
            raise ValueError(f"{index!r} is not in the set")
        return self.relation.positions[index]


class TableSet(OrderedSetOf):  # type: ignore[misc]
    """A Pyomo Set whose members are the rows of a relation."""

    def __init__(self, relation: Relation) -> None:
        self.relation = relation.distinct()
        super().__init__(_Rows(self.relation))

    @property
    def dimen(self) -> int:
        """Number of indices of a member."""
        return self.relation.width


class Recorder(Protocol):
    """What records a rule: it answers for placeholders."""

    def decide(self, question: Any) -> bool:
        """Which way a rule goes on."""

    def loop(self, source: Any, key: tuple[Any, ...]) -> Iterator[Any]:
        """Placeholders that stand for every member."""


RECORDERS: list[Recorder] = []
"""The recorder at work, if any, is the last one."""


def is_placeholder(index: Any) -> bool:
    """Whether an index, or a part of it, stands for many."""
    parts = index if type(index) is tuple else (index,)
    return any(hasattr(part, "is_expression_type") for part in parts)


def _parts(index: Any) -> tuple[Any, ...]:
    return tuple(index) if isinstance(index, tuple | list) else (index,)


class IsMember(NamedTuple):
    """The question whether an index is one of a relation's."""

    relation: Relation
    key: tuple[Any, ...]


class HasMembers(NamedTuple):
    """The question whether a group has any member."""

    groups: Groups
    key: tuple[Any, ...]


class Lookup(Numeric_NPV_Mixin, NumericExpression):  # type: ignore[misc]
    """A value looked up by placeholders, as an expression."""

    __slots__ = ("default", "table")

    def __init__(self, key: tuple[Any, ...], table: Values, default: float | None = None) -> None:
        super().__init__(key)
        self.table, self.default = table, default

    def nargs(self) -> int:
        """Number of placeholders."""
        return len(self._args_)

    def create_node_with_local_data(self, args: Any, classtype: Any = None) -> Lookup:
        """A copy with other arguments."""
        return Lookup(tuple(args), self.table, self.default)

    def getname(self, *args: Any, **kwds: Any) -> str:
        """Its name in messages."""
        return "lookup"

    def _to_string(self, values: Any, verbose: Any, smap: Any) -> str:
        return f"lookup[{', '.join(values)}]"


class Values(Mapping[Any, Any]):
    """{index: value of a column}"""

    def __init__(self, keys: Relation, data: Column) -> None:
        self.keys_, self.data = keys, data

    @cached_property
    def _plain(self) -> dict[Any, Any]:
        return dict(zip(self.keys_.rows, self.data.objects(), strict=True))

    def __getitem__(self, index: Any) -> Any:
        if RECORDERS and is_placeholder(index):
            return Lookup(_parts(index), self)
        return self._plain[index]

    def get(self, index: Any, default: Any = None) -> Any:
        """The value, or the default where the index has none."""
        if RECORDERS and is_placeholder(index):
            if isinstance(default, int | float) and self.data.labels is None:
                return Lookup(_parts(index), self, float(default))
            return Lookup(_parts(index), self) if index in self else default
        return self._plain.get(index, default)

    def __contains__(self, index: Any) -> bool:
        if RECORDERS and is_placeholder(index):
            return RECORDERS[-1].decide(IsMember(self.keys_, _parts(index)))
        return index in self._plain

    def __iter__(self) -> Iterator[Any]:
        if RECORDERS:
            return RECORDERS[-1].loop(self.keys_, ())
        return iter(self._plain)

    def items(self) -> Any:
        """(index, value) of every row."""
        if RECORDERS:
            return _Items(self)
        return self._plain.items()

    def __len__(self) -> int:
        return self.keys_.size

    def __bool__(self) -> bool:
        return self.keys_.size > 0


class _Items:
    """(index, value) of every row, as placeholders."""

    def __init__(self, values: Values) -> None:
        self.values = values

    def __iter__(self) -> Iterator[Any]:
        keys = self.values.keys_
        for parts in RECORDERS[-1].loop(Relation([*keys.columns, self.values.data]), ()):
            yield (parts[0] if keys.width == 1 else tuple(parts[:-1])), parts[-1]


class Groups(Mapping[Any, Any]):
    """{index: members in table order}; an index without members has none."""

    def __init__(self, keys: Relation, members: Relation) -> None:
        if not keys.size:
            self.start, self.members, self.index = np.zeros(1, dtype=np.int64), members, keys
            return
        codes, first = numbered(keys)
        count = np.bincount(codes, minlength=len(first))
        self.start = np.concatenate([[0], np.cumsum(count)])
        in_order = bool(np.all(codes[1:] >= codes[:-1]))
        order = None if in_order else stable_order(codes)
        self.members = members if order is None else members.take(order)
        self.index = keys if len(first) == keys.size else keys.take(first)

    @cached_property
    def _plain(self) -> dict[Any, list[Any]]:
        rows = self.members.rows
        return {at: rows[i:j] for at, i, j in zip(self.index.rows, self.start[:-1], self.start[1:], strict=True)}

    def __getitem__(self, index: Any) -> Any:
        if RECORDERS and is_placeholder(index):
            return GroupAt(self, _parts(index))
        return self._plain.get(index, [])

    def get(self, index: Any, default: Any = None) -> Any:
        """The members; without any, an empty default is as good as none."""
        members = self[index]
        return members if not default or members else default

    def __contains__(self, index: Any) -> bool:
        if RECORDERS and is_placeholder(index):
            return RECORDERS[-1].decide(HasMembers(self, _parts(index)))
        return index in self._plain

    def __iter__(self) -> Iterator[Any]:
        return iter(self._plain)

    def __len__(self) -> int:
        return self.index.size


class GroupAt:
    """The members at an index of placeholders."""

    def __init__(self, groups: Groups, key: tuple[Any, ...]) -> None:
        self.groups, self.key = groups, key

    def __iter__(self) -> Iterator[Any]:
        return RECORDERS[-1].loop(self.groups, self.key)

    def __bool__(self) -> bool:
        return RECORDERS[-1].decide(HasMembers(self.groups, self.key))
