"""Contracts: what is reserved from others for a term, and what is ordered not at all or at least a minimum of.

    use only what serves (fleet)  ... + sum_{c, v <= y < v + life} reserve[p,k,c,v]
    least[o] * ordered[o]  <=  sum_terms coefficient * variable  <=  most[o] * ordered[o]            each order o
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.index import grouped, groups, mapped, rows, values
from capacity.formulation.limits import members_of, weighted
from capacity.problem import Problem

KEY = ["place", "asset", "contract", "period"]


def declare_reservations(m: pyo.ConcreteModel, problem: Problem) -> None:
    table = problem.table("reservations")
    most, life = values(table, KEY, "max"), values(table, KEY, "life")
    m.RESERVATION = pyo.Set(initialize=rows(table, KEY), dimen=4)
    m.reserve = pyo.Var(
        m.RESERVATION, domain=pyo.NonNegativeReals,
        bounds=lambda m, *i: (0, None if most[i] == math.inf else most[i]),
    )
    offered = groups(table, ["place", "asset"], ["contract", "period"])
    m.RESERVED = grouped({
        (p, k, y): [(c, v) for c, v in terms if v <= y < v + life[p, k, c, v]]
        for (p, k), terms in offered.items() for y in m.PERIOD
    }, 3, 2)


def reserved(m: pyo.ConcreteModel, p: str, k: str, y: int) -> pyo.Expression:
    """Asset amount under contract in a period."""
    return sum(m.reserve[p, k, c, v] for c, v in m.RESERVED[p, k, y])


def declare_orders(m: pyo.ConcreteModel, problem: Problem) -> None:
    orders = problem.table("orders")
    m.ORDER = pyo.Set(initialize=orders["order"].tolist())
    m.ordered = pyo.Var(m.ORDER, domain=pyo.Binary)
    least, stated = values(orders, ["order"], "least"), values(orders, ["order"], "most")
    terms = members_of(problem.table("order_terms"), "order")
    finite = {o: min(stated[o], _most_of(m, terms.listed(o))) for o in m.ORDER}
    most = mapped(finite, 1)
    for o in m.ORDER:
        if not terms.any_at(o):
            raise InputError(f"table order_terms: order {o!r} has no terms")
        if not math.isfinite(most[o]):
            raise InputError(f"table orders: {o!r} needs a finite `most`, since its terms have no bound")

    @m.Constraint(m.ORDER)
    def an_order_is_at_least_its_minimum(m, o):
        return weighted(m, terms[o]) - least[o] * m.ordered[o] >= 0

    @m.Constraint(m.ORDER)
    def nothing_without_an_order(m, o):
        return weighted(m, terms[o]) - most[o] * m.ordered[o] <= 0


def _most_of(m: pyo.ConcreteModel, terms: list[tuple[str, Any, float]]) -> float:
    bounds = [getattr(m, variable)[key].ub for variable, key, _ in terms]
    return sum(c * (math.inf if ub is None else ub) for (_, _, c), ub in zip(terms, bounds, strict=True) if c)


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    def priced(table: str, keys: list[str]) -> Mapping[Any, float]:
        return values(problem.table(table), keys, "objective")

    reservations = sum(c * m.reserve[i] for i, c in priced("reservations", KEY).items() if c)
    return reservations + sum(c * m.ordered[o] for o, c in priced("orders", ["order"]).items() if c)
