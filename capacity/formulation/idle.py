"""Idle power: what stands draws power from sources whether it runs or not; what runs draws the rest on top.

    every draw is supplied (energy)  ... + sum_{k,v} per_unit[p,k] * alive[p,k,v,y]
                                         + sum_k per_amount[p,k] * (rent[p,k,y] + what is reserved there)

`draws` then says what running takes beyond idling: idle * stock + use * (full - idle).
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from capacity.formulation.coded import keyed
from capacity.formulation.index import grouped, groups
from capacity.formulation.presence import service_years
from capacity.problem import Problem

MOMENT = ["place", "period"]


class Idle:
    """What stands at a place in a period, with the MW it draws idle: owned, rented and reserved."""

    def __init__(self, problem: Problem) -> None:
        if not len(problem.table("idle_draws")):
            self.owned, self.rented, self.reserved = grouped({}, 2, 3), grouped({}, 2, 2), grouped({}, 2, 4)
            return
        table = keyed(problem, "idle_draws")
        owned = table.where(table.numbers("per_unit") != 0).only("place", "asset", "per_unit")
        others = table.where(table.numbers("per_amount") != 0).only("place", "asset", "per_amount")
        standing = service_years(problem).only("place", "asset", "vintage", "period")
        self.owned = groups(standing.join(owned, "place", "asset"), MOMENT, ["asset", "vintage", "per_unit"])
        rented = keyed(problem, "rentals").only("place", "asset", "period").join(others, "place", "asset")
        self.rented = groups(rented, MOMENT, ["asset", "per_amount"])
        terms = problem.table("reservations")[["place", "asset", "contract", "period", "life"]]
        each = terms.rename(columns={"period": "since"}).merge(problem.table("periods")[["period"]], how="cross")
        each = each[(each["since"] <= each["period"]) & (each["period"] < each["since"] + each["life"])]
        each = each.merge(problem.table("idle_draws")[["place", "asset", "per_amount"]], on=["place", "asset"])
        self.reserved = groups(each, MOMENT, ["asset", "contract", "since", "per_amount"])

    def places(self) -> list[Any]:
        """(place, period) in which something may draw idle."""
        return list(dict.fromkeys([*self.owned, *self.rented, *self.reserved]))

    def drawn(self, m: pyo.ConcreteModel, p: str, y: int) -> pyo.Expression:
        """MW drawn at a place in a period, whatever runs."""
        owned = sum(mw * m.alive[p, k, v, y] for k, v, mw in self.owned[p, y])
        rented = sum(mw * m.rent[p, k, y] for k, mw in self.rented[p, y])
        return owned + rented + sum(mw * m.reserve[p, k, c, v] for k, c, v, mw in self.reserved[p, y])

    def most(self, m: pyo.ConcreteModel) -> dict[tuple[str, int], float]:
        """The most of it, were all bought, rented and reserved; infinite without bounds."""
        total: dict[tuple[str, int], float] = {}
        for p, y in self.places():
            bounds = [(mw, m.alive[p, k, v, y].ub) for k, v, mw in self.owned[p, y]]
            bounds += [(mw, m.rent[p, k, y].ub) for k, mw in self.rented[p, y]]
            bounds += [(mw, m.reserve[p, k, c, v].ub) for k, c, v, mw in self.reserved[p, y]]
            total[p, y] = sum(mw * (float("inf") if ub is None else ub) for mw, ub in bounds)
        return total
