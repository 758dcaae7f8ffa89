"""Survivability: what is left after each failure still serves, and still carries the traffic (`rerouting`).

After the loss of links alone, everything runs where it ran. After the loss of a place, what was served from it moves to
others, onto machines and power that stand there anyway:

    sum_p still_serve[c,d,p]  >=  keep[c] * sum_p serve[d,p]                       each case c, demand d; keep[c,k]
                                                                                   where commodity k has its own
    still_serve[c,d,p]        <=  amount[d] * opened[p,y]                          only from an open place that is left
    sum_a still_use[c,p,a]    <=  what serves of the asset at p                    on what stands
    sum_a amount[a,r] * still_use[c,p,a] + held  <=  what blocks provide           with the power behind it
    sum_{p, a in group g} out[a] * still_use[c,p,a]  <=  share[g] * sum_{d,p} still_serve[c,d,p]

Each case is a row of table `failures` at its moments (period, slice), or several rows for what is lost together. A lost
place takes its links with it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.ageing import serving_share
from capacity.formulation.closing import in_use
from capacity.formulation.coded import Coded, coded, keyed
from capacity.formulation.fleet import serving_stock
from capacity.formulation.flows import check_words
from capacity.formulation.hose import State
from capacity.formulation.index import groups, index_set, members, rows, values
from capacity.formulation.presence import USE, possible_use
from capacity.problem import Problem

KINDS = ("link", "place")
MOMENT = ["case", "period", "slice"]

RECOURSE = ("still_serve", "still_use", "still_via", "still_ship", "still_flow")
"""Variables of what happens after a loss: each is of one case alone and in no goal."""


def states(problem: Problem) -> list[State]:
    """Every failure at every moment it is asked for. Raises InputError for an unknown link, place or kind."""
    table = problem.table("failures")
    check_words("failures", "kind", table["kind"], KINDS)
    links = problem.table("links")
    known = {"link": set(links["link"]), "place": set(problem.table("places")["place"])}
    ends = {e: {a, b} for e, a, b in rows(links, ["link", "from", "to"])}
    lost: dict[Any, dict[str, set[str]]] = defaultdict(lambda: {"link": set(), "place": set()})
    for case, kind, element, y, h in rows(table, ["case", "kind", "element", "period", "slice"]):
        if element not in known[kind]:
            raise InputError(f"table failures: case {case!r}: there is no {kind} {element!r}")
        if not case:
            raise InputError("table failures: a case needs a name; the empty one is the network as it is")
        lost[case, y, h][kind].add(element)
    return [
        State(case, y, h, frozenset(what["link"] | {e for e, both in ends.items() if both & what["place"]}),
              frozenset(what["place"]))
        for (case, y, h), what in lost.items()
    ]


def declare(m: pyo.ConcreteModel, problem: Problem, cases: list[State]) -> None:
    losing = Losses.of(cases)
    m.RELOCATED = index_set(losing.moments, MOMENT)
    demands = keyed(problem, "demands")
    m.period_of, m.slice_of = (values(demands, ["demand"], column) for column in ("period", "slice"))
    served = _service(m, problem, losing)
    running = _machines(m, problem, losing)
    _shares(m, problem, losing, served, running)


def served_in(m: pyo.ConcreteModel, case: str, d: str, p: str) -> Any:
    """What of a demand a place serves in a case: as ever after the loss of links alone; 0 from a lost place."""
    if (case, m.period_of[d], m.slice_of[d]) not in m.RELOCATED:
        return m.serve[d, p]
    return m.still_serve[case, d, p] if (case, d, p) in m.STILL_SERVED else 0


def used_in(m: pyo.ConcreteModel, case: str, p: str, a: str, y: int, h: str) -> Any:
    """What an activity uses at a place in a case, as `served_in`."""
    if (case, y, h) not in m.RELOCATED:
        return m.use[p, a, y, h]
    return m.still_use[case, p, a, y, h] if (case, p, a, y, h) in m.STILL_RUNNING else 0


class Losses(NamedTuple):
    """Losses of places: `moments` (case, period, slice), and `gone` (the same, place) what each takes away."""

    moments: Coded
    gone: Coded

    @classmethod
    def of(cls, cases: list[State]) -> Losses:
        """Those of all cases that take a place."""
        moments = [(at.case, at.period, at.slice) for at in cases if at.places]
        gone = [(at.case, at.period, at.slice, p) for at in cases for p in sorted(at.places)]
        tables = (pd.DataFrame(moments, columns=MOMENT), pd.DataFrame(gone, columns=[*MOMENT, "place"]))
        return cls(*map(coded, tables))

    def left(self, table: Coded) -> Coded:
        """Rows of a table with `place`, `period` and `slice` in each case of their moment that leaves their place, case
        after case."""
        each = self.moments.join(table, "period", "slice")
        return each.where(each.rows_in(self.gone, *MOMENT, "place") < 0)


def _service(m: pyo.ConcreteModel, problem: Problem, losing: Losses) -> Coded:
    """Rows (case, demand, place, commodity, period, slice) of what may still be served."""
    kept = coded(problem.table("failures")).merged(MOMENT, "keep", np.minimum)
    keep_of, own = values(kept, MOMENT, "keep"), values(keyed(problem, "keeps"), ["case", "commodity"], "keep")
    demands = keyed(problem, "demands").only("demand", "commodity", "period", "slice")
    wanted = values(demands, ["demand"], "commodity")
    assigned = keyed(problem, "assignments").only("demand", "place")
    most = values(keyed(problem, "assignments"), ["demand", "place"], "max")
    asked = losing.moments.join(demands.with_rows_of(assigned, "demand"), "period", "slice")
    served = asked.join(assigned, "demand")
    served = served.where(served.rows_in(losing.gone, *MOMENT, "place") < 0)
    m.STILL_ASKED = index_set(asked, ["case", "demand"])
    m.STILL_SERVED = index_set(served, ["case", "demand", "place"])
    m.still_serve = pyo.Var(m.STILL_SERVED, domain=pyo.NonNegativeReals,
                            bounds=lambda m, c, d, p: (0, m.serve[d, p].ub))

    @m.Constraint(m.STILL_ASKED)
    def what_was_served_still_is(m, c, d):
        still = sum(m.still_serve[c, d, p] for p in m.PLACES_OF[d] if (c, d, p) in m.STILL_SERVED)
        at = c, wanted[d]
        keep = own[at] if at in own else keep_of[c, m.period_of[d], m.slice_of[d]]
        if not keep:
            return pyo.Constraint.Skip
        return still >= keep * sum(m.serve[d, p] for p in m.PLACES_OF[d])

    @m.Constraint(m.STILL_SERVED)
    def still_serve_only_from_open_places(m, c, d, p):
        if p not in m.MUST_OPEN:
            return pyo.Constraint.Skip
        return m.still_serve[c, d, p] <= min(most[d, p], m.amount[d]) * m.opened[p, m.period_of[d]]

    m.STILL_HELD = index_set(served.with_rows_of(keyed(problem, "holdings"), "place"), ["case", "demand", "place"])

    @m.Constraint(m.STILL_HELD)
    def still_serve_only_while_held(m, c, d, p):
        return m.still_serve[c, d, p] <= min(most[d, p], m.amount[d]) * m.held[p, m.period_of[d]]

    return served


def _machines(m: pyo.ConcreteModel, problem: Problem, losing: Losses) -> Coded:
    """Rows (case, place, activity, period, slice) of what may still run."""
    share = serving_share(problem)
    running = losing.left(possible_use(problem))
    m.STILL_RUNNING = index_set(running, ["case", *USE])
    m.still_use = pyo.Var(m.STILL_RUNNING, domain=pyo.NonNegativeReals,
                          bounds=lambda m, c, p, a, y, h: (0, m.use[p, a, y, h].ub))
    stock = ["place", "asset", "period", "slice"]
    m.STILL_STOCK = index_set(losing.left(members(m.STOCK, stock)), ["case", *stock])

    @m.Constraint(m.STILL_STOCK)
    def still_use_only_what_serves(m, c, p, k, y, h):
        busy = sum(m.still_use[c, p, a, y, h] for a in m.ACTIVITIES_AT[p, k, y, h])
        return busy <= serving_stock(m, share, p, k, y)

    per_use = values(problem.table("activity_uses"), ["activity", "resource"], "amount")
    users = groups(problem.table("activity_uses"), ["resource"], ["activity"])
    powered = ["place", "resource", "period", "slice"]
    m.STILL_POWERED = index_set(losing.left(members(m.RESOURCE_RUNNING, powered)), ["case", *powered])

    @m.Constraint(m.STILL_POWERED)
    def blocks_still_carry_what_runs(m, c, p, r, y, h):
        used = sum(per_use[a, r] * m.still_use[c, p, a, y, h]
                   for a in users[r] if (c, p, a, y, h) in m.STILL_RUNNING)
        held = sum(m.resource_use[k, r] * m.alive[p, k, v, y] for k, v in m.USERS[p, r, y])
        return used + held <= sum(capacity * in_use(m, p, b, y) for b, capacity in m.PROVIDES[p, r])

    return running


def _shares(m: pyo.ConcreteModel, problem: Problem, losing: Losses, served: Coded, running: Coded) -> None:
    activities, cell = keyed(problem, "activities").only("activity", "commodity", "group"), ["period", "slice"]
    made_by = running.only("case", *USE).join(activities, "activity")
    makers = groups(made_by, ["case", "commodity", "group", *cell], ["place", "activity"])
    served_of = groups(served, ["case", "commodity", *cell], ["demand", "place"])
    limited = losing.moments.cross(members(m.SHARE, ["commodity", "group"]))
    limited = limited.with_rows_of(made_by, "case", "commodity", "group", *cell)
    m.STILL_SHARED = index_set(limited, ["case", "commodity", "group", *cell])

    @m.Constraint(m.STILL_SHARED)
    def a_variant_still_serves_at_most_its_share(m, c, k, g, y, h):
        made = sum(m.output[a] * m.still_use[c, p, a, y, h] for p, a in makers[c, k, g, y, h])
        return made <= m.max_share[k, g] * sum(m.still_serve[c, d, p] for d, p in served_of[c, k, y, h])
