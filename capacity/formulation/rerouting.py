"""Rerouting: after each failure the traffic takes the ways that are left, within what is lit on them.

With serve' and use' for what runs in case c (`survivability`):

    sum_w still_via[c,d,p,w]  =  serve'[d,p]                                        over paths that are left
    the rows of latency, of what activities take, of flows and of the links, with still_via, still_ship, still_flow

Traffic that starts or ends at a lost place is gone; nothing passes one.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from capacity.errors import InfeasibleError, InputError
from capacity.formulation import hose
from capacity.formulation.flows import directions, possible_flow
from capacity.formulation.hose import State
from capacity.formulation.index import groups, rows, values
from capacity.formulation.paths import Load
from capacity.formulation.survivability import served_in, used_in
from capacity.problem import Problem


def declare(m: pyo.ConcreteModel, problem: Problem, cases: list[State]) -> None:
    broken = groups(problem.table("path_links"), ["link"], ["path"])
    ends = {w: {a, b} for w, a, b in rows(problem.table("paths"), ["path", "from", "to"])}
    cut = {
        (at.case, at.period, at.slice): {w for e in at.links for w in broken[e]}
        | {w for w, both in ends.items() if both & at.places} for at in cases
    }
    _paths(m, cases, cut)
    _latency(m, cases)
    _shipments(m, problem, cases, cut)
    _flows(m, problem, cases)
    _links(m, problem, cases)


def _paths(m: pyo.ConcreteModel, cases: list[State], cut: dict[Any, set[str]]) -> None:
    at_moment: dict[Any, list[Any]] = {}
    for d, p in m.WITH_PATHS:
        at_moment.setdefault((m.period_of[d], m.slice_of[d]), []).append((d, p))
    served = [(at.case, d, p) for at in cases for d, p in at_moment.get((at.period, at.slice), ())
              if p not in at.places]
    m.STILL_WITH_PATHS = pyo.Set(initialize=served, dimen=3)
    m.STILL_PATH = pyo.Set(initialize=[
        (c, d, p, w) for c, d, p in served for w in m.WAYS[d, p]
        if w not in cut[c, m.period_of[d], m.slice_of[d]]], dimen=4)
    m.still_via = pyo.Var(m.STILL_PATH, domain=pyo.NonNegativeReals,
                          bounds=lambda m, c, d, p, w: (0, m.serve[d, p].ub))

    @m.Constraint(m.STILL_WITH_PATHS)
    def what_is_served_takes_some_path_left(m, c, d, p):
        taken = sum(m.still_via[c, d, p, w] for w in m.WAYS[d, p] if (c, d, p, w) in m.STILL_PATH)
        return taken == served_in(m, c, d, p)


def _latency(m: pyo.ConcreteModel, cases: list[State]) -> None:
    """Where links alone are lost, only what takes a path can be slower than before."""
    def some_still_served(at: State, key: Any) -> bool:
        p, t = key[0], key[4]
        if any(rtt >= t for _, rtt in m.CUSTOMERS[key[:4]]):
            return True
        return any(rtt >= t and (at.case, d, p, w) in m.STILL_PATH for d, w, rtt in m.PATH_CUSTOMERS[key[:4]])

    cells = [(at.case, *key) for at in cases for key in m.LATENCY_CELL
             if key[2:4] == (at.period, at.slice) and key[0] not in at.places
             and (at.places or m.PATH_CUSTOMERS[key[:4]]) and some_still_served(at, key)]
    m.STILL_LATENCY = pyo.Set(initialize=cells, dimen=6)

    @m.Constraint(m.STILL_LATENCY)
    def still_serve_within_latency(m, c, p, k, y, h, t):
        far = sum(served_in(m, c, d, p) for d, rtt in m.CUSTOMERS[p, k, y, h] if rtt >= t)
        far += sum(m.still_via[c, d, p, w] for d, w, rtt in m.PATH_CUSTOMERS[p, k, y, h]
                   if rtt >= t and (c, d, p, w) in m.STILL_PATH)
        fast = sum(m.output[a] * used_in(m, c, p, a, y, h) for a, slack in m.SERVERS[p, k, y, h] if slack >= t)
        return far <= fast


def _shipments(m: pyo.ConcreteModel, problem: Problem, cases: list[State], cut: dict[Any, set[str]]) -> None:
    m.STILL_SHIPPED = pyo.Set(initialize=[
        (at.case, *key) for at in cases for key in m.SHIPMENT
        if key[2:] == (at.period, at.slice) and key[1] not in cut[at.case, at.period, at.slice]], dimen=5)
    m.still_ship = pyo.Var(m.STILL_SHIPPED, domain=pyo.NonNegativeReals)

    def sent(m, c, k, ways, y, h):
        return sum(m.still_ship[c, k, w, y, h] for w in ways if (c, k, w, y, h) in m.STILL_SHIPPED)

    def left(keys):
        return [(at.case, *key) for at in cases for key in keys
                if key[2:] == (at.period, at.slice) and key[0] not in at.places]

    m.STILL_TAKEN = pyo.Set(initialize=left(m.TAKEN), dimen=5)
    m.STILL_SENT_FROM = pyo.Set(initialize=left(m.SENT_FROM), dimen=5)

    @m.Constraint(m.STILL_TAKEN)
    def what_runs_still_has_what_it_takes(m, c, p, k, y, h):
        needed = sum(amount * used_in(m, c, p, a, y, h) for a, amount in m.TAKERS[p, k, y, h])
        made = sum(out * used_in(m, c, p, a, y, h) for a, out in m.MAKERS[p, k, y, h])
        leaving = sent(m, c, k, m.LEAVING[p, k, y, h], y, h)
        return needed + leaving <= made + sent(m, c, k, m.ARRIVING[p, k, y, h], y, h)

    @m.Constraint(m.STILL_SENT_FROM)
    def what_is_still_sent_was_made_there(m, c, p, k, y, h):
        leaving = sent(m, c, k, m.LEAVING[p, k, y, h], y, h)
        if isinstance(leaving, int):
            return pyo.Constraint.Skip
        return leaving <= sum(out * used_in(m, c, p, a, y, h) for a, out in m.MAKERS[p, k, y, h])


def _flows(m: pyo.ConcreteModel, problem: Problem, cases: list[State]) -> None:
    amount = values(problem.table("flow_sinks"), ["flow", "sink"], "amount")
    source = values(problem.table("flows"), ["flow"], "source")
    moment = {f: (y, h) for f, y, h in rows(problem.table("flows"), ["flow", "period", "slice"])}
    arcs = rows(possible_flow(problem), ["flow", "link", "back", "toward"])
    there = [(at, f) for at in cases for f in source
             if moment[f] == (at.period, at.slice) and source[f] not in at.places]
    by_flow: dict[str, list[Any]] = {}
    for f, e, a, b in arcs:
        by_flow.setdefault(f, []).append((e, a, b))
    left = [(at, f, e, a, b) for at, f in there for e, a, b in by_flow.get(f, ()) if e not in at.links]
    m.STILL_FLOW = pyo.Set(initialize=[(at.case, f, e, b) for at, f, e, _, b in left], dimen=4)
    m.still_flow = pyo.Var(m.STILL_FLOW, domain=pyo.NonNegativeReals,
                           bounds=lambda m, c, f, e, t: (0, m.flow[f, e, t].ub))
    entering: dict[Any, list[Any]] = {}
    leaving: dict[Any, list[Any]] = {}
    for at, f, e, a, b in left:
        entering.setdefault((at.case, f, b), []).append((at.case, f, e, b))
        leaving.setdefault((at.case, f, a), []).append((at.case, f, e, b))
    ends = dict.fromkeys([*amount, *m.FLOW_TERMS])
    asked = [(at.case, f, p) for at, f in there for g, p in ends if g == f and p not in at.places]
    m.STILL_STOP = pyo.Set(initialize=[
        at for at in dict.fromkeys([*entering, *leaving, *asked]) if at[2] != source[at[1]]], dimen=3)

    @m.Constraint(m.STILL_STOP)
    def what_arrives_still_stays_or_goes_on(m, c, f, p):
        wanted = amount.get((f, p), 0.0) + sum(
            k * _in_case(m, c, variable, key) for variable, key, k in m.FLOW_TERMS.get((f, p), ()))
        come = sum(m.still_flow[i] for i in entering.get((c, f, p), ()))
        net = come - sum(m.still_flow[i] for i in leaving.get((c, f, p), ()))
        if isinstance(come, int) and isinstance(wanted, int | float):
            if wanted:
                raise InfeasibleError(f"after {c}, no link leads to {p!r}, where {wanted:g} of flow {f!r} must arrive")
            return pyo.Constraint.Skip
        return net == wanted


def _in_case(m: pyo.ConcreteModel, case: str, variable: str, key: Any) -> Any:
    if variable == "serve":
        return served_in(m, case, *key)
    return used_in(m, case, *key) if variable == "use" else getattr(m, variable)[key]


def _links(m: pyo.ConcreteModel, problem: Problem, cases: list[State]) -> None:
    """Rows of the links that are left. Raises InputError for traffic of one fixed way over a lost link."""
    existing = values(problem.table("links"), ["link"], "existing")
    mode = values(problem.table("links"), ["link"], "mode")
    ends = groups(directions(problem), ["link"], ["toward"])
    flows: dict[Any, list[Any]] = {}
    for c, f, e, t in m.STILL_FLOW:
        flows.setdefault((c, e), []).append((f, t))
    moment = {f: (y, h) for f, y, h in rows(problem.table("flows"), ["flow", "period", "slice"])}
    cells = []
    for at in cases:
        y, h = at.period, at.slice
        for e in existing:
            if e in at.links:
                if m.HELD_OPEN[e, y] and any(p not in at.places for p, _ in m.HELD_OPEN[e, y]):
                    raise InputError(f"table failures: case {at.case!r} loses link {e!r}, whose traffic of open places "
                                     "has one way only (table open_loads); use flows instead")
                continue
            if any((m.CARRIED[e, y, h], m.HELD_OPEN[e, y], flows.get((at.case, e)), m.PATH_LOADS.get((e, y, h)),
                    (e, y, h) in m.HOSES_ON)):
                cells += [(at.case, e, t, y, h) for t in ([""] if mode[e] == "shared" else ends[e])]
    m.STILL_BUSY = pyo.Set(initialize=cells, dimen=5)
    lost = {(at.case, at.period, at.slice): at.places for at in cases}

    def load_of(m, c, load: Load, end):
        key = (c, *load.key)
        there = key in (m.STILL_PATH if load.variable == "via" else m.STILL_SHIPPED)
        return load.on(end) * (m.still_via if load.variable == "via" else m.still_ship)[key] if there else 0

    @m.Constraint(m.STILL_BUSY)
    def lit_modules_still_carry_the_traffic(m, c, e, t, y, h):
        end = t or None
        served = sum(load * served_in(m, c, d, p) for d, p, load in m.CARRIED[e, y, h])
        held = sum(load * (m.opened[p, y] if p in m.MUST_OPEN else 1)
                   for p, load in m.HELD_OPEN[e, y] if p not in lost[c, y, h])
        flowing = sum(m.still_flow[c, f, e, w] for f, w in flows.get((c, e), ())
                      if moment[f] == (y, h) and t in ("", w))
        on_paths = sum(load_of(m, c, load, end) for load in m.PATH_LOADS.get((e, y, h), ()))
        total = served + held + flowing + on_paths + hose.most(m, c, e, end, y, h)
        bright = sum(k * m.modules[e, i, v] for i, v, k in m.lit[e, y])
        return total <= existing[e] + bright if not isinstance(total, int | float) else pyo.Constraint.Skip

    _one_way_only(m, cases)


def _one_way_only(m: pyo.ConcreteModel, cases: list[State]) -> None:
    """What is served over one fixed way cannot be when a link of it is lost."""
    fixed = [(at.case, d, p) for at in cases for e in at.links
             for d, p, load in m.CARRIED[e, at.period, at.slice] if load and p not in at.places]
    m.STILL_CUT_OFF = pyo.Set(initialize=list(dict.fromkeys(fixed)), dimen=3)

    @m.Constraint(m.STILL_CUT_OFF)
    def nothing_is_served_over_a_lost_way(m, c, d, p):
        return served_in(m, c, d, p) == 0
