"""From tables to the index sets and parameters of Pyomo: tuples, maps, groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd


def rows(table: pd.DataFrame, keys: Sequence[str]) -> list[Any]:
    """Index tuples in table order; plain values for one key."""
    if len(keys) == 1:
        return list(table[keys[0]].tolist())
    return list(zip(*(table[k].tolist() for k in keys), strict=True))


def values(table: pd.DataFrame, keys: Sequence[str], column: str) -> dict[Any, Any]:
    """{index: value of the column}"""
    return dict(zip(rows(table, keys), table[column].tolist(), strict=True))


def groups(table: pd.DataFrame, keys: Sequence[str], members: Sequence[str]) -> dict[Any, list[Any]]:
    """{index: [member tuples in table order]}; an index without members gives an empty list."""
    out: dict[Any, list[Any]] = defaultdict(list)
    for key, member in zip(rows(table, keys), rows(table, members), strict=True):
        out[key].append(member)
    return out
