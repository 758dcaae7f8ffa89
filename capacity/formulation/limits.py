"""Limits: budgets, supply, power of the world, and any other linear rule, stated as rows of terms.

    sum_terms coefficient * variable  (<=, >=, ==)  rhs                                  each limit
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InfeasibleError, InputError
from capacity.formulation.index import groups, values
from capacity.problem import Problem

KEYS: dict[str, tuple[str, ...]] = {
    "open": ("place", "period"),
    "built": ("place", "item", "period"),
    "bought": ("place", "item", "period"),
    "alive": ("place", "item", "period", "period2"),
    "rent": ("place", "item", "period"),
    "use": ("place", "item", "period", "slice"),
    "serve": ("place", "item"),
    "short": ("place",),
    "modules": ("place", "item", "period"),
    "held": ("place", "period"),
    "kept": ("place", "item", "period"),
    "reserve": ("place", "item", "slice", "period"),
    "ordered": ("place",),
    "draw": ("place", "item", "period", "slice"),
    "charge": ("place", "item", "period", "slice"),
    "discharge": ("place", "item", "period", "slice"),
    "moved": ("item", "place", "period"),
}
"""Columns of `limit_terms` that index each variable."""


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    limits, terms = problem.table("limits"), problem.table("limit_terms")
    m.LIMIT = pyo.Set(initialize=limits["limit"].tolist())
    rhs, sense = values(limits, ["limit"], "rhs"), values(limits, ["limit"], "sense")
    by_limit = members_of(terms, "limit", list(m.LIMIT))

    @m.Constraint(m.LIMIT)
    def limits_hold(m, name):
        total = weighted(m, by_limit[name])
        if isinstance(total, int | float):
            if not _holds(total, sense[name], rhs[name]):
                raise InfeasibleError(f"limit {name!r} ({sense[name]} {rhs[name]:g}) has no terms and cannot be met")
            return pyo.Constraint.Skip
        if sense[name] == "<=":
            return total <= rhs[name]
        return total >= rhs[name] if sense[name] == ">=" else total == rhs[name]


def members_of(terms: pd.DataFrame, by: str, names: list[str]) -> dict[str, list[tuple[str, Any, float]]]:
    """{name: [(variable, index, coefficient)]} of a table of terms; raises InputError for an unknown variable."""
    unknown = set(terms["variable"]) - set(KEYS)
    if unknown:
        raise InputError(f"{by}_terms: no variable {sorted(unknown)[0]!r}; allowed: {', '.join(KEYS)}")
    out: dict[str, list[tuple[str, Any, float]]] = {name: [] for name in names}
    for variable, rows_ in terms.groupby("variable", sort=False):
        table = groups(rows_, [by], [*KEYS[str(variable)], "coefficient"])
        for name, members in table.items():
            out[name] += [(str(variable), entry[:-1], entry[-1]) for entry in members]
    return out


def weighted(m: pyo.ConcreteModel, members: list[tuple[str, Any, float]]) -> pyo.Expression:
    """Sum of coefficient times variable."""
    return sum(coefficient * getattr(m, variable)[key] for variable, key, coefficient in members)


def _holds(value: float, sense: str, rhs: float) -> bool:
    return {"<=": value <= rhs, ">=": value >= rhs, "==": value == rhs}[sense]
