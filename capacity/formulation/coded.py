"""A problem's tables with their words coded once, and what is derived from them, made once for each problem.

Joins and index sets of such tables compare whole numbers instead of words, and a table without rows costs next to
nothing: of a problem's tables most are empty.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.formulation.relations import EMPTY, Column, Groups, Relation, column, number_or_word, numbered
from capacity.problem import Problem
from capacity.problem.problem import REFERENCES
from capacity.problem.tables import TABLES

YEARS = ("period", "period2", "vintage")
"""Columns whose numbers are keys."""

NO_NUMBERS = Column(np.zeros(0), None)
"""Numbers of a table without rows."""

_KNOWN: dict[int, dict[str, Any]] = {}
"""By problem (its identity, forgotten with it): what was coded and derived from it."""


class Coded:
    """Columns of one length: words and years as codes, other numbers as they are."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)
        self.size = len(next(iter(self.columns.values())).codes)
        self._groups: dict[tuple[str, ...], Groups] = {}

    def __len__(self) -> int:
        return self.size

    def numbers(self, name: str) -> NDArray[Any]:
        """A column's numbers."""
        codes, labels = self.columns[name]
        return codes if labels is None else labels.to_numpy()[codes]

    def is_word(self, name: str, word: str) -> NDArray[np.bool_]:
        """Where a column holds a word."""
        codes, labels = self.columns[name]
        assert labels is not None
        return np.asarray(codes == (labels.get_loc(word) if word in labels else -1))

    def only(self, *names: str, **renamed: str) -> Coded:
        """Some columns; `renamed` gives the new name of each that gets one."""
        return Coded({renamed.get(name, name): self.columns[name] for name in names})

    def plus(self, **numbers: NDArray[Any]) -> Coded:
        """With more columns of numbers."""
        return Coded({**self.columns, **{name: Column(given, None) for name, given in numbers.items()}})

    def with_column(self, name: str, given: Column) -> Coded:
        """With one more column, or another in its place."""
        return Coded({**self.columns, name: given})

    def take(self, rows: Any) -> Coded:
        """Some rows."""
        return Coded({name: each.take(rows) for name, each in self.columns.items()})

    def where(self, keep: NDArray[np.bool_]) -> Coded:
        """The rows where `keep` is true."""
        return self if keep.all() else self.take(np.flatnonzero(keep))

    def relation(self, keys: Sequence[str]) -> Relation:
        """Some columns as a relation."""
        return Relation([self.coded(key) for key in keys])

    def coded(self, name: str) -> Column:
        """A column by codes; numbers are coded by what they hold."""
        codes, labels = self.columns[name]
        return column(pd.Series(codes)) if labels is None else self.columns[name]

    def with_rows_of(self, other: Coded, *keys: str) -> Coded:
        """The rows whose key another table has too."""
        return self.where(self.rows_in(other, *keys) >= 0)

    def rows_in(self, other: Coded, *keys: str) -> NDArray[Any]:
        """For each row one of another table with the same key; -1 without any."""
        known = other.relation(keys)
        if not known.size:
            return np.full(self.size, -1)
        return known.find(_translated(self.relation(keys), known))

    def once(self, *keys: str) -> Coded:
        """The first row of each key, with the columns of the key."""
        short = self.only(*keys)
        return short if self.size < 2 else short.take(numbered(short.relation(keys))[1])

    def merged(self, keys: Sequence[str], name: str, how: np.ufunc) -> Coded:
        """Each key once, in order of first appearance, with one column of numbers taken together (`how`: np.add)."""
        short = self.only(*keys, name)
        if self.size < 2:
            return short
        codes, first = numbered(short.relation(keys))
        if len(first) == self.size:
            return short
        total = short.columns[name].codes[first].copy()
        rest = np.ones(self.size, dtype=bool)
        rest[first] = False
        how.at(total, codes[rest], short.columns[name].codes[rest])
        return short.only(*keys).take(first).plus(**{name: total})

    def join(self, other: Coded, *keys: str) -> Coded:
        """Every row with every row of another that has the same key, in this table's order; of a column that both have
        this one's stands."""
        more = [name for name in other.columns if name not in self.columns]
        if not self.size or not other.size:
            both = {**self.columns, **other.columns}
            return Coded({name: each.take(slice(0)) for name, each in both.items()})
        groups = other.by(keys)
        group = groups.index.find(_translated(self.relation(keys), groups.index))
        row = groups.members.columns[0].codes
        if len(groups) == other.size and group.min() >= 0:  # one row for each: nothing is left out or repeated
            at = row[groups.start[group]]
            return Coded({**self.columns, **{name: other.columns[name].take(at) for name in more}})
        known = np.maximum(group, 0)
        count = np.where(group >= 0, groups.start[known + 1] - groups.start[known], 0)
        mine = np.repeat(np.arange(self.size), count)
        within = np.arange(len(mine)) - np.repeat(np.cumsum(count) - count, count)
        theirs = row[groups.start[known][mine] + within]
        return Coded({**self.take(mine).columns, **{name: other.columns[name].take(theirs) for name in more}})

    def by(self, keys: tuple[str, ...]) -> Groups:
        """Row numbers by key."""
        if keys not in self._groups:
            self._groups[keys] = Groups(self.relation(keys), Relation([Column(np.arange(self.size), None)]))
        return self._groups[keys]

    def cross(self, other: Coded) -> Coded:
        """Every row with every row of another."""
        mine, theirs = np.repeat(np.arange(self.size), other.size), np.tile(np.arange(other.size), self.size)
        return Coded({**self.take(mine).columns, **other.take(theirs).columns})


def stacked(tables: Sequence[Coded]) -> Coded:
    """Tables one below the other, with the columns of the first."""
    filled = [table for table in tables if table.size] or list(tables[:1])
    if len(filled) == 1:
        return filled[0].only(*tables[0].columns)
    return Coded({name: _below([table.columns[name] for table in filled]) for name in tables[0].columns})


def _below(columns: Sequence[Column]) -> Column:
    labels = columns[0].labels
    if labels is None:
        return Column(np.concatenate([c.codes for c in columns]), None)
    for c in columns[1:]:
        assert c.labels is not None
        labels = labels if c.labels is labels else labels.union(c.labels, sort=False)
    codes = []
    for c in columns:
        assert c.labels is not None
        codes.append(c.codes if c.labels is labels else labels.get_indexer(c.labels)[c.codes])
    return Column(np.concatenate(codes), labels)


def _translated(given: Relation, known: Relation) -> NDArray[np.int64]:
    """Keys of some rows in the numbering of another relation; -1 where it has none of them."""
    total, lost = np.zeros(given.size, dtype=np.int64), np.zeros(given.size, dtype=bool)
    for mine, own, stride in zip(given.columns, known.columns, known.strides, strict=True):
        assert mine.labels is not None
        assert own.labels is not None
        codes = mine.codes
        if mine.labels is not own.labels:
            codes = own.labels.get_indexer(mine.labels)[codes]
            lost |= codes < 0
        total += codes * np.int64(stride)
    total[lost] = -1
    return total


def derived(make: Callable[[Problem], Coded]) -> Callable[[Problem], Coded]:
    """A function of a problem alone, worked out once for each problem. Nobody may change its table."""

    @wraps(make)
    def once(problem: Problem) -> Coded:
        known = _of(problem)
        if make.__qualname__ not in known:
            known[make.__qualname__] = make(problem)
        table: Coded = known[make.__qualname__]
        return table

    return once


def keyed(problem: Problem, name: str) -> Coded:
    """A table whose references (`REFERENCES`) are coded by the table they refer to."""
    known = _of(problem)
    if name not in known:
        table, targets, kinds = problem.table(name), dict(_references(name)), TABLES[name].columns
        known[name] = Coded({
            key: _coded(problem, key, table[key], targets.get(key, "")) if len(table)
            else EMPTY if spec.kind == "str" or key in YEARS else NO_NUMBERS for key, spec in kinds.items()})
    made: Coded = known[name]
    return made


def coded(table: pd.DataFrame) -> Coded:
    """Any table, its words coded by what they are."""
    return Coded({key: number_or_word(table[key]) for key in table.columns})


def _of(problem: Problem) -> dict[str, Any]:
    if id(problem) not in _KNOWN:
        _KNOWN[id(problem)] = {}
        weakref.finalize(problem, _KNOWN.pop, id(problem), None)
    return _KNOWN[id(problem)]


def _references(name: str) -> list[tuple[str, str]]:
    """(column, table and column it refers to); a table's own names are coded by themselves."""
    own = {"periods": "period", "places": "place", "slices": "slice", "assets": "asset", "activities": "activity",
           "demands": "demand", "links": "link", "flows": "flow"}
    mine = [(own[name], f"{name}.{own[name]}")] if name in own else []
    found = [*mine, *REFERENCES.get(name, ())]
    if name in ("activities", "demands"):
        found.append(("commodity", "commodities"))
    return found


def _coded(problem: Problem, name: str, given: pd.Series, target: str) -> Column:
    """A column coded over all that it may hold, or over what it holds; numbers that refer to nothing stay numbers."""
    values = given.to_numpy()
    years = name in YEARS
    if values.dtype.kind in "iufb" and not years:
        return Column(values, None)
    known = _labels(problem, target or ("periods.period" if years else ""))
    if known is not None:
        codes = known.get_indexer(pd.Index(values, dtype=np.int64 if years else object))
        if codes.min(initial=0) >= 0:
            return Column(codes.astype(np.int32), known)
    codes, labels = pd.factorize(values)
    return Column(codes.astype(np.int32), pd.Index(labels, dtype=np.int64 if years else object))


def _labels(problem: Problem, target: str) -> pd.Index | None:
    """All that a reference may hold; None of no target."""
    known, (table, _, key) = _of(problem), target.partition(".")
    if target and f"labels of {target}" not in known:
        both = [problem.table(t)["commodity"] for t in ("activities", "demands")]
        words = problem.table(table)[key].tolist() if key else [w for given in both for w in given.tolist()]
        extra = [""] if target in ("assets.asset", "slices.slice") else []
        dtype = np.int64 if target == "periods.period" else object
        known[f"labels of {target}"] = pd.Index([*dict.fromkeys([*words, *extra])], dtype=dtype)
    labels: pd.Index | None = known.get(f"labels of {target}")
    return labels
