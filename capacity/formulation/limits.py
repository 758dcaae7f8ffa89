"""Limits: budgets, supply, power of the world, and any other linear rule, stated as rows of terms.

    sum_terms coefficient * variable  (<=, >=, ==)  rhs                                  each limit
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InfeasibleError, InputError
from capacity.formulation.coded import coded
from capacity.formulation.index import groups, values
from capacity.formulation.presence import USE, possible_use
from capacity.formulation.relations import Groups
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
    "given_up": ("place", "period"),
    "kept": ("place", "item", "period"),
    "reserve": ("place", "item", "slice", "period"),
    "ordered": ("place",),
    "draw": ("place", "item", "period", "slice"),
    "charge": ("place", "item", "period", "slice"),
    "discharge": ("place", "item", "period", "slice"),
    "moved": ("item", "place", "period"),
    "train": ("place", "item", "slice"),
}
"""Columns of `limit_terms` that index each variable."""


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    limits, terms = problem.table("limits"), that_may_run(problem, problem.table("limit_terms"))
    m.LIMIT = pyo.Set(initialize=limits["limit"].tolist())
    rhs, sense = values(limits, ["limit"], "rhs"), values(limits, ["limit"], "sense")
    by_limit = members_of(terms, "limit")
    for name in sorted(set(limits["limit"]) - set(terms["limit"])):
        if not _holds(0.0, sense[name], rhs[name]):
            raise InfeasibleError(f"limit {name!r} ({sense[name]} {rhs[name]:g}) has no terms and cannot be met")

    @m.Constraint(m.LIMIT)
    def limits_hold(m, name):
        if not by_limit.any_at(name):
            return pyo.Constraint.Skip
        total = weighted(m, by_limit[name])
        if sense[name] == "<=":
            return total <= rhs[name]
        return total >= rhs[name] if sense[name] == ">=" else total == rhs[name]


class Terms:
    """Terms of several names: coefficient times variable at an index, by variable."""

    def __init__(self, by: Mapping[str, Groups]) -> None:
        self.by = by

    def __getitem__(self, name: str) -> dict[str, Any]:
        """{variable: members (index parts, coefficient)} of one name."""
        return {variable: members[name] for variable, members in self.by.items()}

    def any_at(self, name: str) -> bool:
        """Whether a name has any term."""
        return any(name in members for members in self.by.values())

    def listed(self, name: str) -> list[tuple[str, Any, float]]:
        """[(variable, index, coefficient)] of one name."""
        return [(v, entry[:-1], entry[-1]) for v, members in self[name].items() for entry in members]


def members_of(terms: pd.DataFrame, by: str) -> Terms:
    """The terms of a table by name; raises InputError for an unknown variable."""
    check_variables(terms, by)
    return Terms({
        str(variable): groups(rows_, [by], [*KEYS[str(variable)], "coefficient"])
        for variable, rows_ in terms.groupby("variable", sort=False)
    })


def that_may_run(problem: Problem, terms: pd.DataFrame) -> pd.DataFrame:
    """The terms without those of activities that cannot run at their place and time: nothing is there to run them."""
    use = (terms["variable"] == "use").to_numpy()
    if not use.any():
        return terms
    runs = np.ones(len(terms), dtype=bool)
    runs[use] = coded(terms[use]).rows_in(possible_use(problem).only(*USE, activity="item"), *KEYS["use"]) >= 0
    return terms[runs]


def check_variables(terms: pd.DataFrame, by: str) -> None:
    """Raises InputError where the terms of table `by`_terms name a variable that nothing is known of."""
    unknown = set(terms["variable"]) - set(KEYS)
    if unknown:
        raise InputError(f"{by}_terms: no variable {sorted(unknown)[0]!r}; allowed: {', '.join(KEYS)}")


def weighted(m: pyo.ConcreteModel, members: Mapping[str, Any] | Sequence[tuple[str, Any, float]]) -> pyo.Expression:
    """Sum of coefficient times variable; `members` as `Terms` gives them for one name, or listed one by one as
    (variable, index, coefficient)."""
    if not isinstance(members, Mapping):
        return sum(coefficient * getattr(m, variable)[index] for variable, index, coefficient in members)
    return sum(sum(c * getattr(m, variable)[tuple(index)] for *index, c in each) for variable, each in members.items())


def _holds(value: float, sense: str, rhs: float) -> bool:
    return {"<=": value <= rhs, ">=": value >= rhs, "==": value == rhs}[sense]
