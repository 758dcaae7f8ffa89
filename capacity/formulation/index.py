"""From tables to the index sets and parameters of Pyomo: sets, maps, groups.

They answer for one index as a Pyomo Set or a dict does; while a rule is recorded, for all at once (`relations`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from capacity.formulation.relations import Groups, Relation, TableSet, Values, number_or_word


def rows(table: pd.DataFrame, keys: Sequence[str]) -> list[Any]:
    """Index tuples in table order; plain values for one key."""
    if len(keys) == 1:
        return list(table[keys[0]].tolist())
    return list(zip(*(table[k].tolist() for k in keys), strict=True))


def index_set(table: pd.DataFrame, keys: Sequence[str]) -> TableSet:
    """The Pyomo Set of the rows of a table, each once; no tuple is made before one is asked for."""
    return TableSet(Relation.of(table, keys))


def values(table: pd.DataFrame, keys: Sequence[str], column: str) -> Values:
    """{index: value of the column}"""
    return Values(Relation.of(table, keys), number_or_word(table[column]))


def groups(table: pd.DataFrame, keys: Sequence[str], members: Sequence[str]) -> Groups:
    """{index: [member tuples in table order]}; an index without members gives an empty list."""
    return Groups(Relation.of(table, keys), Relation([number_or_word(table[k]) for k in members]))
