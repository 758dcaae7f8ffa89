"""Index sets as coded relations: where in a variable, a parameter or a set an index stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from capacity.formulation.relations import Column, Groups, Relation, Values
from capacity.solving.compiler.frames import Frame

Rows = NDArray[np.integer[Any]]


class Space:
    """An index set as a product of relations; position = row of the first factor * size of the second + ..."""

    def __init__(self, factors: Sequence[Relation]) -> None:
        self.factors = tuple(factors)
        self.size = int(np.prod([f.size for f in self.factors], dtype=np.int64))
        self.width = sum(f.width for f in self.factors)

    def root(self, placeholders: Sequence[Any], empty: bool = False) -> Frame:
        """A frame with one row for every index, in order; or with none."""
        frame = Frame(0 if empty else self.size)
        if empty:
            for factor in self.factors:
                own, placeholders = placeholders[: factor.width], placeholders[factor.width :]
                frame.bind(own, factor, np.zeros(0, dtype=np.int64))
            return frame
        after, before, first = self.size, 1, 0
        for factor in self.factors:
            after //= max(factor.size, 1)
            rows = np.tile(np.repeat(np.arange(factor.size), after), before)
            whole = len(self.factors) == 1
            frame.bind(placeholders[first : first + factor.width], factor, None if whole else rows)
            before, first = before * factor.size, first + factor.width
        return frame

    def index(self, position: int) -> Any:
        """The index at a position, as Pyomo writes it."""
        parts: list[Any] = []
        for factor in reversed(self.factors):
            position, row = divmod(position, max(factor.size, 1))
            one = factor.rows[row]
            parts = [*(one if factor.width > 1 else (one,)), *parts]
        return parts[0] if len(parts) == 1 else tuple(parts)

    def indices(self) -> list[Any]:
        """Every index in order of position, as Pyomo writes it."""
        if len(self.factors) == 1:
            return self.factors[0].rows
        return [self.index(at) for at in range(self.size)] if self.width else [None]

    def columns(self) -> list[Column]:
        """Every index column in order of position."""
        names = [object() for _ in range(self.width)]
        frame = self.root(names)
        return [frame.column(id(name)) for name in names]


class Spaces:
    """The spaces of a model's sets and the values of its parameters, each made once."""

    def __init__(self) -> None:
        self._relations: dict[int, Relation] = {}
        self._spaces: dict[int, Space] = {}
        self._groups: dict[int, Groups] = {}
        self._values: dict[int, Values] = {}
        self._keep: list[Any] = []
        self.plainly: Callable[[], AbstractContextManager[None]] = nullcontext
        self._translations: dict[tuple[int, int], NDArray[Any] | None] = {}

    def space(self, index_set: Any) -> Space:
        """Of a Pyomo index set; of no set, one index."""
        if id(index_set) not in self._spaces:
            self._keep.append(index_set)
            parts = list(index_set.subsets(expand_all_set_operators=False))
            self._spaces[id(index_set)] = Space([self.relation(s) for s in parts])
        return self._spaces[id(index_set)]

    def relation(self, one_set: Any) -> Relation:
        """Of one set that is no product."""
        given = getattr(one_set, "relation", None)
        if isinstance(given, Relation):
            return given
        if id(one_set) not in self._relations:
            self._keep.append(one_set)
            with self.plainly():
                rows = list(one_set.ordered_iter() if one_set.isordered() else one_set)
            width = one_set.dimen if isinstance(one_set.dimen, int) else 1
            self._relations[id(one_set)] = Relation.of_rows(rows, width)
        return self._relations[id(one_set)]

    def groups(self, indexed_set: Any) -> Groups:
        """Of a Pyomo set indexed by another."""
        if id(indexed_set) not in self._groups:
            self._keep.append(indexed_set)
            width = self.space(indexed_set.index_set()).width
            with self.plainly():
                keys = [index for index, members in indexed_set.items() for _ in members]
                members = [member for one in indexed_set.values() for member in one]
                inner = next((one.dimen for one in indexed_set.values() if len(one)), 1)
            self._groups[id(indexed_set)] = Groups(Relation.of_rows(keys, width), Relation.of_rows(members, inner))
        return self._groups[id(indexed_set)]

    def values(self, parameter: Any) -> Values:
        """Of a Pyomo parameter."""
        if id(parameter) not in self._values:
            self._keep.append(parameter)
            with self.plainly():
                keys = list(parameter.keys())
                given = pd.Series([pyo.value(parameter[k]) for k in keys], dtype=object).infer_objects()
            number = given.dtype.kind in "iufb" or not keys
            words = Relation.of_rows(given.tolist(), 1).columns[0]
            data = Column(given.to_numpy(dtype=float), None) if number else words
            width = self.space(parameter.index_set()).width
            self._values[id(parameter)] = Values(Relation.of_rows(keys, width), data)
        return self._values[id(parameter)]

    def translation(self, given: pd.Index, known: pd.Index) -> NDArray[Any] | None:
        """Codes of one labelling in another (-1: unknown there); None where they are the same."""
        if given is known:
            return None
        pair = (id(given), id(known))
        if pair not in self._translations:
            self._keep += [given, known]
            same = len(given) == len(known) and given.equals(known)
            self._translations[pair] = None if same else known.get_indexer(given).astype(np.int64)
        return self._translations[pair]
