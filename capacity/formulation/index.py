"""From tables to the index sets and parameters of Pyomo: sets, maps, groups.

They answer for one index as a Pyomo Set or a dict does; while a rule is recorded, for all at once (`relations`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from capacity.formulation.coded import Coded
from capacity.formulation.relations import Column, Groups, Relation, TableSet, Values, number_or_word

Table: TypeAlias = pd.DataFrame | Coded


def rows(table: pd.DataFrame, keys: Sequence[str]) -> list[Any]:
    """Index tuples in table order; plain values for one key."""
    if len(keys) == 1:
        return list(table[keys[0]].tolist())
    return list(zip(*(table[k].tolist() for k in keys), strict=True))


def relation(table: Table, keys: Sequence[str]) -> Relation:
    """Columns of a table, in its order."""
    return table.relation(keys) if isinstance(table, Coded) else Relation.of(table, keys)


def _data(table: Table, column: str) -> Column:
    return table.columns[column] if isinstance(table, Coded) else number_or_word(table[column])


def index_set(table: Table, keys: Sequence[str]) -> TableSet:
    """The Pyomo Set of the rows of a table, each once; no tuple is made before one is asked for."""
    return TableSet(relation(table, keys))


def keys_of(grouped: Groups) -> TableSet:
    """The Pyomo Set of the indices that have members."""
    return TableSet(grouped.index)


def members(one: TableSet, names: Sequence[str]) -> Coded:
    """The rows of a set as a table."""
    return Coded(dict(zip(names, one.relation.columns, strict=True)))


def values(table: Table, keys: Sequence[str], column: str) -> Values:
    """{index: value of the column}"""
    return Values(relation(table, keys), _data(table, column))


def groups(table: Table, keys: Sequence[str], members: Sequence[str]) -> Groups:
    """{index: [member tuples in table order]}; an index without members gives an empty list."""
    return Groups(relation(table, keys), Relation([_data(table, k) for k in members]))


def mapped(members: Mapping[Any, float], width: int) -> Values:
    """Values from a plain dict of numbers whose indices have `width` parts."""
    data = Column(np.fromiter(members.values(), dtype=float, count=len(members)), None)
    return Values(Relation.of_rows(list(members), width), data)


def grouped(members: Mapping[Any, Sequence[Any]], width: int, inner: int) -> Groups:
    """Groups from a plain dict: indices of `width` parts, members of `inner` parts (fractions stay numbers)."""
    keys = [index for index, each in members.items() for _ in each]
    rows_ = [member for each in members.values() for member in each]
    columns: list[Sequence[Any]] = [rows_] if inner == 1 else [[]] * inner
    if rows_ and inner > 1:
        columns = list(zip(*rows_, strict=True))
    parts = [number_or_word(pd.Series(list(c), dtype=object).infer_objects()) for c in columns]
    return Groups(Relation.of_rows(keys, width), Relation(parts))
