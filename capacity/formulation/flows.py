"""Flows: traffic between places that chooses its own way over the links.

All traffic of one origin, period and slice is one flow, however many places it ends at.

    sum_in flow[f,e,t] - sum_out flow[f,e,t]  =  amount[f,p] + sum_terms coefficient * variable
                                                                                   each flow f, place p but its source
    sum_t flow[f,e,t]  <=  sum_{i, v <= y < v + life} min(capacity[e,i,v], total[f]) * modules[e,i,v]
                                                                                   each flow f, link e lit by modules
    busier[e,y,h]  >=  sum_f flow[f,e,t]                    each direction t of a link that charges the busier one only

The second row follows from the capacity of the link (`links`) where modules are whole, and is stronger where they are
not: a module carries no more of one flow than all there is of it. Nothing flows back into its own source.
Terms let traffic follow decisions: weights to a place that is open, state of what is served, KV of what is in use.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from capacity.errors import InfeasibleError, InputError
from capacity.formulation.index import groups, index_set, mapped, rows, values
from capacity.formulation.limits import KEYS, weighted
from capacity.problem import Problem

MODES = ("shared", "each_way", "one_way")
BASES = ("both", "busier")
FOLLOWED = ("open", "serve", "use")
"""Variables that a flow's amount may follow."""


def declare(m: pyo.ConcreteModel, problem: Problem) -> None:
    check_words("links", "mode", problem.table("links")["mode"], MODES)
    check_words("arc_costs", "basis", problem.table("arc_costs")["basis"], BASES)
    m.FLOW_TERMS = flow_terms(m, problem)
    m.TOTAL_FLOW = mapped(total_flow(problem, m), 1)
    arcs, total = possible_flow(problem), m.TOTAL_FLOW
    m.FLOW_ARC = index_set(arcs, ["flow", "link", "toward"])
    m.flow = pyo.Var(m.FLOW_ARC, domain=pyo.NonNegativeReals, bounds=lambda m, f, e, t: (0, finite(total[f])))
    m.FLOWS_TOWARD = groups(arcs, ["link", "toward", "period", "slice"], ["flow"])
    m.FLOWS_ON = groups(arcs, ["link", "period", "slice"], ["flow", "toward"])
    _balance(m, problem, arcs)
    _busier(m, problem)


def check_words(table: str, column: str, given: pd.Series, allowed: tuple[str, ...]) -> None:
    """Raises InputError for the first value that is none of the allowed words."""
    wrong = [word for word in given.tolist() if word not in allowed]
    if wrong:
        raise InputError(f"table {table}: {column} {wrong[0]!r} is unknown; allowed: {', '.join(allowed)}")


def directions(problem: Problem) -> pd.DataFrame:
    """Rows (link, back, toward): each direction in which a link may carry traffic."""
    links = problem.table("links")
    onward = pd.DataFrame({"link": links["link"], "back": links["from"], "toward": links["to"]})
    both = links[links["mode"] != "one_way"]
    homeward = pd.DataFrame({"link": both["link"], "back": both["to"], "toward": both["from"]})
    return pd.concat([onward, homeward], ignore_index=True)


def possible_flow(problem: Problem) -> pd.DataFrame:
    """Rows (flow, source, period, slice, link, back, toward): flows on links, never back into their source."""
    if not len(problem.table("flows")):
        return pd.DataFrame(columns=["flow", "source", "period", "slice", "link", "back", "toward"])
    arcs = problem.table("flows").merge(directions(problem), how="cross")
    return arcs[arcs["toward"] != arcs["source"]]


def total_flow(problem: Problem, m: pyo.ConcreteModel | None = None) -> dict[str, float]:
    """Amount of each flow that must arrive, all sinks together; with a model, the most that its terms may add to it."""
    sinks = problem.table("flow_sinks")
    if not len(problem.table("flows")):
        return {}
    arriving = sinks.groupby("flow")["amount"].sum().to_dict()
    total = {f: float(arriving.get(f, 0.0)) for f in problem.table("flows")["flow"]}
    served = _most_served(problem) if m is not None and m.FLOW_TERMS else {}
    for (f, _), members in (m.FLOW_TERMS.items() if m is not None else ()):
        once: dict[Any, float] = {}  # a place opens once, whenever it does
        for variable, key, coefficient in members:
            what = key[0] if variable == "open" else (variable, key)
            most = 1.0 if variable == "open" else served.get(key, math.inf) if variable == "serve" else math.inf
            once[what] = max(once.get(what, 0.0), coefficient * most)
        total[f] += sum(once.values())
    return total


def _most_served(problem: Problem) -> dict[Any, float]:
    """{(demand, place): most that may be served}"""
    both = problem.table("assignments").merge(problem.table("demands")[["demand", "amount"]], on="demand")
    most = both.assign(most=both[["max", "amount"]].min(axis=1))
    return dict(values(most, ["demand", "place"], "most").items())


def flow_terms(m: pyo.ConcreteModel, problem: Problem) -> dict[Any, list[tuple[str, Any, float]]]:
    """{(flow, sink): [(variable, its index, coefficient)]}

    Raises InputError for a variable that traffic cannot follow, or an index that the problem does not offer.
    """
    out: dict[Any, list[tuple[str, Any, float]]] = defaultdict(list)
    offered = {"open": m.OPENING, "serve": m.ASSIGNMENT, "use": m.USE}
    for variable, table in problem.table("flow_terms").groupby("variable", sort=False):
        check_words("flow_terms", "variable", table["variable"], FOLLOWED)
        columns = KEYS[str(variable)]
        numbers = zip(rows(table, ["flow", "sink"]), rows(table, columns), table["coefficient"].tolist(), strict=True)
        for at, key, coefficient in numbers:
            if key not in offered[str(variable)]:
                raise InputError(f"table flow_terms: the problem offers no {variable} {key!r}")
            out[at].append((str(variable), key, coefficient))
    return out


def _balance(m: pyo.ConcreteModel, problem: Problem, arcs: pd.DataFrame) -> None:
    sinks, source = problem.table("flow_sinks"), values(problem.table("flows"), ["flow"], "source")
    amount = values(sinks, ["flow", "sink"], "amount")
    entering = groups(arcs, ["flow", "toward"], ["link", "toward"])
    leaving = groups(arcs, ["flow", "back"], ["link", "toward"])
    touched = [*entering, *leaving, *amount, *m.FLOW_TERMS]
    m.FLOW_PLACE = pyo.Set(initialize=[at for at in dict.fromkeys(touched) if at[1] != source[at[0]]], dimen=2)

    @m.Constraint(m.FLOW_PLACE)
    def what_arrives_stays_or_goes_on(m, f, p):
        wanted = amount.get((f, p), 0.0) + (weighted(m, m.FLOW_TERMS.get((f, p), ())) if m.FLOW_TERMS else 0.0)
        if not entering[f, p]:
            if m.FLOW_TERMS and not isinstance(wanted, int | float):
                return wanted <= 0
            if wanted:
                raise InfeasibleError(f"flow {f!r}: no link leads to {p!r}, where {wanted:g} must arrive")
            return pyo.Constraint.Skip
        gone = sum(m.flow[f, e, t] for e, t in leaving[f, p])
        return sum(m.flow[f, e, t] for e, t in entering[f, p]) - gone == wanted


def declare_module_share(m: pyo.ConcreteModel, problem: Problem, lit: dict[Any, list[Any]]) -> None:
    """The second row of the topic; `lit` gives the modules in service by (link, period): (module, period, capacity)."""
    total = m.TOTAL_FLOW
    existing = values(problem.table("links"), ["link"], "existing")
    rows_ = [
        (f, e, y) for (e, y, h), flows in m.FLOWS_ON.items() for f in dict.fromkeys(f for f, _ in flows)
        if existing[e] == 0 and any(capacity > total[f] for _, _, capacity in lit[e, y])
    ]
    m.FLOW_SHARE = pyo.Set(initialize=list(dict.fromkeys(rows_)), dimen=3)

    @m.Constraint(m.FLOW_SHARE)
    def a_module_carries_no_more_than_all_of_a_flow(m, f, e, y):
        carried = sum(m.flow[f, e, t] for t in m.ENDS[e] if (f, e, t) in m.FLOW_ARC)
        return carried <= sum(min(capacity, total[f]) * m.modules[e, i, v] for i, v, capacity in lit[e, y])


def _busier(m: pyo.ConcreteModel, problem: Problem) -> None:
    costs = problem.table("arc_costs")
    m.ENDS = groups(directions(problem), ["link"], ["toward"])
    charged = set(rows(costs[costs["basis"] == "busier"], ["link", "period"]))
    m.BUSIER = pyo.Set(initialize=[(e, y, h) for e, y, h in m.FLOWS_ON if (e, y) in charged], dimen=3)
    most = mapped({at: sum(total for _, total in members) for at, members in _totals(m).items()}, 3)
    m.busier = pyo.Var(m.BUSIER, domain=pyo.NonNegativeReals, bounds=lambda m, *at: (0, finite(most[at])))
    m.BUSIER_END = pyo.Set(initialize=[(e, t, y, h) for e, y, h in m.BUSIER for t in m.ENDS[e]], dimen=4)

    @m.Constraint(m.BUSIER_END)
    def each_direction_is_within_the_busier(m, e, t, y, h):
        if not m.FLOWS_TOWARD[e, t, y, h]:
            return pyo.Constraint.Skip
        return sum(m.flow[f, e, t] for f in m.FLOWS_TOWARD[e, t, y, h]) <= m.busier[e, y, h]


def _totals(m: pyo.ConcreteModel) -> dict[Any, list[tuple[str, float]]]:
    """{(link, period, slice): [(flow, its total)]} for the flows that may use a link."""
    total = m.TOTAL_FLOW
    return {at: [(f, total[f]) for f in dict.fromkeys(f for f, _ in flows)] for at, flows in m.FLOWS_ON.items()}


def finite(bound: float) -> float | None:
    """A bound for Pyomo: none where it is infinite."""
    return None if bound == math.inf else bound


def cost(m: pyo.ConcreteModel, problem: Problem) -> pyo.Expression:
    """Discounted cost of what flows, each slice by its share of the year."""
    slices, table = problem.table("slices"), problem.table("arc_costs")
    if not len(table):
        return 0
    share = values(slices.assign(share=slices["hours"] / slices["hours"].sum()), ["slice"], "share")
    priced = table[table["objective"] != 0]
    each = values(priced[priced["basis"] == "both"], ["link", "period"], "objective")
    busier = values(priced[priced["basis"] == "busier"], ["link", "period"], "objective")
    return sum(
        each[e, y] * share[h] * m.flow[f, e, t]
        for (e, y, h), flows in m.FLOWS_ON.items() if (e, y) in each for f, t in flows
    ) + sum(busier[e, y] * share[h] * m.busier[e, y, h] for e, y, h in m.BUSIER if (e, y) in busier)
