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
from collections.abc import Iterator
from typing import Any

import pyomo.environ as pyo

from capacity.errors import InputError
from capacity.formulation.ageing import serving_share
from capacity.formulation.closing import in_use
from capacity.formulation.fleet import serving_stock
from capacity.formulation.flows import check_words
from capacity.formulation.hose import State
from capacity.formulation.index import groups, rows, values
from capacity.problem import Problem

KINDS = ("link", "place")

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
    losing = [at for at in cases if at.places]
    m.RELOCATED = {(at.case, at.period, at.slice) for at in losing}
    m.MOMENT_OF = {d: (y, h) for d, y, h in rows(problem.table("demands"), ["demand", "period", "slice"])}
    m.DEMANDS_AT = groups(problem.table("demands"), ["period", "slice"], ["demand"])
    _service(m, problem, losing)
    _machines(m, problem, losing)
    _shares(m, problem, losing)


def served_in(m: pyo.ConcreteModel, case: str, d: str, p: str) -> Any:
    """What of a demand a place serves in a case: as ever after the loss of links alone; 0 from a lost place."""
    if (case, *m.MOMENT_OF[d]) not in m.RELOCATED:
        return m.serve[d, p]
    return m.still_serve[case, d, p] if (case, d, p) in m.STILL_SERVED else 0


def used_in(m: pyo.ConcreteModel, case: str, p: str, a: str, y: int, h: str) -> Any:
    """What an activity uses at a place in a case, as `served_in`."""
    if (case, y, h) not in m.RELOCATED:
        return m.use[p, a, y, h]
    return m.still_use[case, p, a, y, h] if (case, p, a, y, h) in m.STILL_RUNNING else 0


def _service(m: pyo.ConcreteModel, problem: Problem, losing: list[State]) -> None:
    kept = problem.table("failures").groupby(["case", "period", "slice"])["keep"].min().to_dict()
    own = values(problem.table("keeps"), ["case", "commodity"], "keep")
    wanted = values(problem.table("demands"), ["demand"], "commodity")
    asked = [(at.case, d) for at in losing for d in m.DEMANDS_AT[at.period, at.slice] if m.PLACES_OF[d]]
    gone = {(at.case, at.period, at.slice): at.places for at in losing}
    m.STILL_ASKED = pyo.Set(initialize=asked, dimen=2)
    m.STILL_SERVED = pyo.Set(initialize=[
        (c, d, p) for c, d in asked for p in m.PLACES_OF[d] if p not in gone[(c, *m.MOMENT_OF[d])]], dimen=3)
    m.still_serve = pyo.Var(m.STILL_SERVED, domain=pyo.NonNegativeReals,
                            bounds=lambda m, c, d, p: (0, m.serve[d, p].ub))

    @m.Constraint(m.STILL_ASKED)
    def what_was_served_still_is(m, c, d):
        still = sum(m.still_serve[c, d, p] for p in m.PLACES_OF[d] if (c, d, p) in m.STILL_SERVED)
        keep = own.get((c, wanted[d]), kept[(c, *m.MOMENT_OF[d])])
        if not keep:
            return pyo.Constraint.Skip
        return still >= keep * sum(m.serve[d, p] for p in m.PLACES_OF[d])

    @m.Constraint(m.STILL_SERVED)
    def still_serve_only_from_open_places(m, c, d, p):
        if p not in m.MUST_OPEN:
            return pyo.Constraint.Skip
        return m.still_serve[c, d, p] <= m.serve[d, p].ub * m.opened[p, m.MOMENT_OF[d][0]]

    m.STILL_HELD = pyo.Set(initialize=[at for at in m.STILL_SERVED if at[2] in m.MAY_CLOSE], dimen=3)

    @m.Constraint(m.STILL_HELD)
    def still_serve_only_while_held(m, c, d, p):
        return m.still_serve[c, d, p] <= m.serve[d, p].ub * m.held[p, m.MOMENT_OF[d][0]]


def _left(losing: list[State], keys: Any) -> Iterator[tuple[Any, ...]]:
    """(case, *key) of every key (place, ..., period, slice) whose place is left at the moment of a case."""
    for at in losing:
        moment = (at.period, at.slice)
        yield from ((at.case, *key) for key in keys if key[-2:] == moment and key[0] not in at.places)


def _machines(m: pyo.ConcreteModel, problem: Problem, losing: list[State]) -> None:
    share = serving_share(problem)
    m.STILL_RUNNING = pyo.Set(initialize=list(_left(losing, m.USE)), dimen=5)
    m.still_use = pyo.Var(m.STILL_RUNNING, domain=pyo.NonNegativeReals,
                          bounds=lambda m, c, p, a, y, h: (0, m.use[p, a, y, h].ub))
    m.STILL_STOCK = pyo.Set(initialize=list(_left(losing, m.STOCK)), dimen=5)

    @m.Constraint(m.STILL_STOCK)
    def still_use_only_what_serves(m, c, p, k, y, h):
        busy = sum(m.still_use[c, p, a, y, h] for a in m.ACTIVITIES_AT[p, k, y, h])
        return busy <= serving_stock(m, share, p, k, y)

    per_use = values(problem.table("activity_uses"), ["activity", "resource"], "amount")
    users = groups(problem.table("activity_uses"), ["resource"], ["activity"])
    m.STILL_POWERED = pyo.Set(initialize=list(_left(losing, m.RESOURCE_RUNNING)), dimen=5)

    @m.Constraint(m.STILL_POWERED)
    def blocks_still_carry_what_runs(m, c, p, r, y, h):
        used = sum(per_use[a, r] * m.still_use[c, p, a, y, h]
                   for a in users[r] if (c, p, a, y, h) in m.STILL_RUNNING)
        held = sum(m.resource_use[k, r] * m.alive[p, k, v, y] for k, v in m.USERS[p, r, y])
        return used + held <= sum(capacity * in_use(m, p, b, y) for b, capacity in m.PROVIDES[p, r])


def _shares(m: pyo.ConcreteModel, problem: Problem, losing: list[State]) -> None:
    group = values(problem.table("activities"), ["activity"], "group")
    commodity = values(problem.table("activities"), ["activity"], "commodity")
    asked = values(problem.table("demands"), ["demand"], "commodity")
    makers, served = defaultdict(list), defaultdict(list)
    for at in m.STILL_RUNNING:
        makers[at[0], commodity[at[2]], group[at[2]], at[3], at[4]].append(at)
    for at in m.STILL_SERVED:
        served[(at[0], asked[at[1]], *m.MOMENT_OF[at[1]])].append(at)
    limited = [(at.case, k, g, at.period, at.slice) for at in losing for k, g in m.SHARE]
    m.STILL_SHARED = pyo.Set(initialize=[at for at in limited if makers[at]], dimen=5)

    @m.Constraint(m.STILL_SHARED)
    def a_variant_still_serves_at_most_its_share(m, c, k, g, y, h):
        made = sum(m.output[at[2]] * m.still_use[at] for at in makers[c, k, g, y, h])
        return made <= m.max_share[k, g] * sum(m.still_serve[at] for at in served[c, k, y, h])
