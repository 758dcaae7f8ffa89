"""Hose: traffic of which only each place's totals are known; every matrix within them must fit.

    sum_in template[s,t,e,w] - sum_out template[s,t,e,w]  =  both[s,t] at t, 0 on the way      places s, t with totals
    both[s,t,y]  >=  opened[s,y] + opened[t,y] - 1                  traffic arises between open places
    hose_out[e,s] + hose_into[e,t]  >=  template[s,t,e,w]           each link e, direction w (both together if shared)
    most traffic on e  =  sum_p out[p] * hose_out[e,p] + sum_p into[p] * hose_into[e,p]        a term of `links`

The routing is fixed before the traffic is known (a template, in parts). The most that a link may see is itself a linear
program over traffic matrices, max sum D[s,t] template[s,t,e] with sum_t D[s,t] <= out[s], sum_s D[s,t] <= into[t]; its
dual stands here, so that rows hold for every matrix at once (Altin, Amaldi, Belotti, Pinar 2007). All is declared once
for the network as it is (case "") and once for each failure.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any, NamedTuple

import pyomo.environ as pyo

from capacity.formulation.index import groups, rows, values
from capacity.problem import Problem


class State(NamedTuple):
    """A moment with all links and places, or without those that a failure takes away."""

    case: str
    period: int
    slice: str
    links: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()


def declare(m: pyo.ConcreteModel, problem: Problem, failures: list[State]) -> None:
    totals = problem.table("hoses")
    m.hose_totals = {key: (out, into) for key, out, into in zip(
        rows(totals, ["place", "period", "slice"]), totals["out"], totals["into"], strict=True)}
    m.HOSE_PLACES = groups(totals, ["period", "slice"], ["place"])
    states = [State("", y, h) for y, h in m.HOSE_PLACES]
    states += [at for at in failures if (at.period, at.slice) in m.HOSE_PLACES]
    ends = {e: (a, b) for e, a, b in rows(problem.table("links"), ["link", "from", "to"])}
    one_way = {e for e, mode in values(problem.table("links"), ["link"], "mode").items() if mode == "one_way"}
    shared = {e for e, mode in values(problem.table("links"), ["link"], "mode").items() if mode == "shared"}
    arcs = [(e, a, b) for e, (a, b) in ends.items()] + [(e, b, a) for e, (a, b) in ends.items() if e not in one_way]
    pairs, template, share = [], [], []
    for at in states:
        there = [p for p in m.HOSE_PLACES[at.period, at.slice] if p not in at.places]
        left = [(e, a, b) for e, a, b in arcs if e not in at.links and not at.places & {a, b}]
        when = (at.period, at.slice)
        for s, t in permutations(there, 2):
            pairs.append((at.case, s, t, *when))
            template += [(at.case, s, t, e, b, *when) for e, a, b in left if b != s and a != t]
        directions = dict.fromkeys((e, "" if e in shared else b) for e, _, b in left)
        share += [(at.case, e, w, p, *when) for e, w in directions for p in there] if len(there) > 1 else []
    m.HOSE_PAIR = pyo.Set(initialize=pairs, dimen=5)
    m.TEMPLATE = pyo.Set(initialize=template, dimen=7)
    m.HOSE_SHARE = pyo.Set(initialize=share, dimen=6)
    m.template = pyo.Var(m.TEMPLATE, domain=pyo.NonNegativeReals, bounds=(0, 1))
    m.hose_out = pyo.Var(m.HOSE_SHARE, domain=pyo.NonNegativeReals, bounds=(0, 2))
    m.hose_into = pyo.Var(m.HOSE_SHARE, domain=pyo.NonNegativeReals, bounds=(0, 2))
    m.HOSES_ON = groups_of(share)
    _both(m)
    _balance(m, template, ends)
    _certificate(m, template, shared)


def groups_of(share: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Any]]:
    """{(link, period, slice): [...]} of the network as it is, for the links' own rows."""
    out: dict[tuple[Any, ...], list[Any]] = {}
    for case, e, _, p, y, h in share:
        if case == "":
            out.setdefault((e, y, h), []).append(p)
    return out


def _both(m: pyo.ConcreteModel) -> None:
    m.OPEN_PAIR = pyo.Set(initialize=list(dict.fromkeys((s, t, y) for _, s, t, y, _ in m.HOSE_PAIR)), dimen=3)
    m.both = pyo.Var(m.OPEN_PAIR, bounds=lambda m, s, t, y: (0 if {s, t} & set(m.MUST_OPEN) else 1, 1))

    @m.Constraint(m.OPEN_PAIR)
    def traffic_arises_between_open_places(m, s, t, y):
        if not {s, t} & set(m.MUST_OPEN):
            return pyo.Constraint.Skip
        here, there = (m.opened[p, y] if p in m.MUST_OPEN else 1 for p in (s, t))
        return m.both[s, t, y] >= here + there - 1


def _balance(m: pyo.ConcreteModel, template: list[Any], ends: dict[str, tuple[str, str]]) -> None:
    entering: dict[Any, list[Any]] = {}
    leaving: dict[Any, list[Any]] = {}
    for c, s, t, e, w, y, h in template:
        a, b = ends[e]
        entering.setdefault((c, s, t, w, y, h), []).append((c, s, t, e, w, y, h))
        leaving.setdefault((c, s, t, a if w == b else b, y, h), []).append((c, s, t, e, w, y, h))
    stops = dict.fromkeys([*entering, *leaving, *((c, s, t, t, y, h) for c, s, t, y, h in m.HOSE_PAIR)])
    m.HOSE_STOP = pyo.Set(initialize=[at for at in stops if at[3] != at[1]], dimen=6)

    @m.Constraint(m.HOSE_STOP)
    def uncertain_traffic_arrives_or_goes_on(m, c, s, t, p, y, h):
        come = sum(m.template[i] for i in entering.get((c, s, t, p, y, h), ()))
        gone = sum(m.template[i] for i in leaving.get((c, s, t, p, y, h), ()))
        return come - gone == (m.both[s, t, y] if p == t else 0)


def _certificate(m: pyo.ConcreteModel, template: list[Any], shared: set[str]) -> None:
    on: dict[Any, list[Any]] = {}
    for c, s, t, e, w, y, h in template:
        on.setdefault((c, s, t, e, "" if e in shared else w, y, h), []).append((c, s, t, e, w, y, h))
    m.HOSE_CERTIFICATE = pyo.Set(initialize=list(on), dimen=7)

    @m.Constraint(m.HOSE_CERTIFICATE)
    def no_matrix_exceeds_its_certificate(m, c, s, t, e, w, y, h):
        taken = sum(m.template[i] for i in on[c, s, t, e, w, y, h])
        return taken <= m.hose_out[c, e, w, s, y, h] + m.hose_into[c, e, w, t, y, h]


def most(m: pyo.ConcreteModel, case: str, e: str, end: str | None, y: int, h: str) -> pyo.Expression:
    """The most that uncertain traffic may put on a link, toward one of its ends or (None) both ways."""
    total = 0
    for p in m.HOSE_PLACES.get((y, h), ()):
        at = (case, e, end or "", p, y, h)
        if at in m.HOSE_SHARE:
            out, into = m.hose_totals[p, y, h]
            total += out * m.hose_out[at] + into * m.hose_into[at]
    return total
