"""Limits: budgets, supply, power of the world, and any other linear rule, stated as rows of terms.

    sum_terms coefficient * variable  (<=, >=, ==)  rhs                                  each limit
"""

from __future__ import annotations

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
}
"""Columns of `limit_terms` that index each variable."""


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    limits, terms = problem.table("limits"), problem.table("limit_terms")
    m.LIMIT = pyo.Set(initialize=limits["limit"].tolist())
    rhs, sense = values(limits, ["limit"], "rhs"), values(limits, ["limit"], "sense")
    unknown = set(terms["variable"]) - set(KEYS)
    if unknown:
        raise InputError(f"limit_terms: no variable {sorted(unknown)[0]!r}; allowed: {', '.join(KEYS)}")
    by_limit: dict[str, list[tuple[str, object, float]]] = {name: [] for name in m.LIMIT}
    for variable, rows_ in terms.groupby("variable", sort=False):
        table = groups(rows_, ["limit"], [*KEYS[str(variable)], "coefficient"])
        for name, members in table.items():
            by_limit[name] += [(str(variable), entry[:-1], entry[-1]) for entry in members]

    @m.Constraint(m.LIMIT)
    def limits_hold(m, name):
        total = sum(coefficient * getattr(m, variable)[key] for variable, key, coefficient in by_limit[name])
        if isinstance(total, int | float):
            if not _holds(total, sense[name], rhs[name]):
                raise InfeasibleError(f"limit {name!r} ({sense[name]} {rhs[name]:g}) has no terms and cannot be met")
            return pyo.Constraint.Skip
        if sense[name] == "<=":
            return total <= rhs[name]
        return total >= rhs[name] if sense[name] == ">=" else total == rhs[name]


def _holds(value: float, sense: str, rhs: float) -> bool:
    return {"<=": value <= rhs, ">=": value >= rhs, "==": value == rhs}[sense]
