"""A problem's tables with their words coded once, and what is derived from them, made once for each problem."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import Any

import pandas as pd

from capacity.problem import Problem
from capacity.problem.problem import REFERENCES

_DERIVED: dict[int, dict[str, Any]] = {}
"""By problem (its identity, forgotten with it): what was derived from it."""


def derived(make: Callable[[Problem], pd.DataFrame]) -> Callable[[Problem], pd.DataFrame]:
    """A function of a problem alone, worked out once for each problem. Nobody may change its table."""

    @wraps(make)
    def once(problem: Problem) -> pd.DataFrame:
        known = _of(problem)
        if make.__qualname__ not in known:
            known[make.__qualname__] = make(problem)
        table: pd.DataFrame = known[make.__qualname__]
        return table

    return once


def keyed(problem: Problem, name: str) -> pd.DataFrame:
    """A table whose references (`REFERENCES`) are coded by the table they refer to: joins and index sets of such tables
    compare whole numbers instead of words."""
    known = _of(problem)
    if name not in known:
        table = problem.table(name)
        words = {column: _coded(problem, table[column], target) for column, target in _references(name)}
        known[name] = table.assign(**{column: given for column, given in words.items() if given is not None})
    coded: pd.DataFrame = known[name]
    return coded


def _of(problem: Problem) -> dict[str, Any]:
    if id(problem) not in _DERIVED:
        _DERIVED[id(problem)] = {}
        weakref.finalize(problem, _DERIVED.pop, id(problem), None)
    return _DERIVED[id(problem)]


def _references(name: str) -> list[tuple[str, str]]:
    """(column, table and column it refers to); a table's own names are coded by themselves."""
    own = {"places": "place", "slices": "slice", "assets": "asset", "activities": "activity", "demands": "demand",
           "links": "link", "flows": "flow"}
    mine = [(own[name], f"{name}.{own[name]}")] if name in own else []
    found = [*mine, *REFERENCES.get(name, ())]
    if name in ("activities", "demands"):
        found.append(("commodity", "commodities"))
    return [(column, target) for column, target in found if not target.startswith("periods.")]


def _coded(problem: Problem, given: pd.Series, target: str) -> pd.Series | None:
    """The column as a categorical over all that it may hold; None where it holds something else."""
    known = _of(problem)
    if f"labels of {target}" not in known:
        table, _, key = target.partition(".")
        both = [problem.table(t)["commodity"] for t in ("activities", "demands")]
        words = problem.table(table)[key] if key else pd.concat(both)
        extra = [""] if target in ("assets.asset", "slices.slice") else []
        labels = pd.Index([*dict.fromkeys([*words.tolist(), *extra])], dtype=object)
        known[f"labels of {target}"] = pd.CategoricalDtype(labels)
    dtype = known[f"labels of {target}"]
    codes = dtype.categories.get_indexer(pd.Index(given, dtype=object))
    if (codes < 0).any():
        return None
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), index=given.index)
