"""The bound without the restriction to listed paths: further ones are priced at the duals of the relaxation.

A further path of demand d to place p, over links with prices from the capacity rows and with its own round trip in the
latency rows, would be a column of reduced cost

    r  =  sum_e load * price[e]  +  sum of latency prices up to its round trip  -  dual of `served takes some path`

Its least value over all paths is a shortest path with two criteria, price and round trip. All paths of a demand
together carry at most its amount, so by weak duality

    bound over any paths  >=  bound over the listed ones  +  sum_d amount[d] * min(0, least r of d)

(what the listed ones count already left out), and where no r is below theirs and 0 the listed paths were enough.
Rows of latency that only a further path would need, at a round trip of its own, are priced at nothing: the bound is
valid, though a slower path may seem better than it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.errors import InputError
from capacity.problem import Problem
from capacity.solving.bound import lagrangian_bound
from capacity.solving.compile import Form, compile_problem
from capacity.solving.highs import Deadline, Machine

Floats = NDArray[np.float64]
Label = tuple[float, float]
"""Price and round trip of a way to a place."""
TINY = 1e-9


@dataclass(frozen=True)
class PathBound:
    """A goal's relaxation over the listed paths and over any; `improving` has the pairs a further path would serve
    better: demand, place, reduced_cost."""

    goal: str
    listed: float
    any_path: float
    improving: pd.DataFrame


def path_bound(problem: Problem, rtt: Mapping[str, float]) -> PathBound:
    """Bound of the problem's first goal over any paths on its links; see `path_bounds`. Raises InputError where the
    relaxation has no optimum."""
    found = path_bounds(problem, rtt, [])
    if not found:
        raise InputError("the relaxation of the first goal has no optimum; paths cannot be priced")
    return found[0]


def path_bounds(
    problem: Problem, rtt: Mapping[str, float], reached: Sequence[float], seconds: float = np.inf
) -> list[PathBound]:
    """Bounds over any paths on the links: of the first goal, and of each later one for plans that are no worse in the
    earlier ones than `reached`, their objectives in order. `rtt` gives each link's round trip in ms.

    Ways enter the links where a listed path of the region does, in the round trip it has until there. Stops before the
    first goal whose relaxation is not solved within `seconds` in all. Losses to be survived are left out: they only ask
    for more, so that the bounds hold with them too, over the listed paths and over any. Raises InputError for a problem
    without paths for what is served.
    """
    if not len(problem.table("assignment_paths")):
        raise InputError("no path limits what is served in this problem: its bound needs no pricing")
    problem = without_losses(problem)
    form, deadline = compile_problem(problem), Deadline(seconds)
    machine = Machine(form.matrix, form.row_lower, form.row_upper)
    machine.set_bounds(form.lower, form.upper)
    kept: list[tuple[Floats, float]] = []
    out: list[PathBound] = []
    for order, (goal, cost) in enumerate(form.cost.items()):
        machine.set_cost(cost)
        answer = machine.run(deadline, {"solver": "choose"})
        if answer.status != "optimal" or answer.row_dual is None:
            break
        out.append(_over_any(problem, rtt, form, goal, kept, answer.row_dual))
        if order >= len(reached):
            break
        most = reached[order] - form.offset[goal]
        most += 1e-6 * max(1.0, abs(most))
        machine.add_row(-np.inf, most, cost)
        kept.append((cost, most))
    return out


def without_losses(problem: Problem) -> Problem:
    """The problem with nothing that may be lost: every plan of the problem is one of it."""
    if not len(problem.table("failures")):
        return problem
    kept = {name: table for name, table in problem.tables.items() if name != "failures"}
    return Problem.of(kept, problem.words, problem.name)


def _over_any(
    problem: Problem, rtt: Mapping[str, float], form: Form, goal: str, kept: Sequence[tuple[Floats, float]],
    row_dual: Floats,
) -> PathBound:
    """The bound of one goal at the multipliers of the rows and of the earlier goals kept."""
    rows, cost = form.matrix.shape[0], form.cost[goal]
    dual = row_dual[:rows]
    reduced = cost - form.matrix.T @ dual
    for multiplier, (earlier, _) in zip(row_dual[rows:], kept, strict=True):
        reduced = reduced - min(multiplier, 0.0) * earlier
    listed = lagrangian_bound(form, cost, row_dual, kept) + form.offset[goal]
    prices = _Prices(problem, form, dual, reduced)
    known = _listed(form, reduced)
    found = _least_reduced_costs(problem, prices, rtt).merge(known, on="demand", how="left")
    found = found.fillna({"least": 0.0, "counted": 0.0})
    better = found["reduced_cost"] < found["least"].clip(upper=0.0) - TINY * max(1.0, abs(listed))
    amount = problem.table("demands")[["demand", "amount"]]
    worst = found[better].groupby("demand", as_index=False).agg(
        reduced_cost=("reduced_cost", "min"), counted=("counted", "first")).merge(amount, on="demand")
    loss = float((worst["reduced_cost"] * worst["amount"] - worst["counted"]).clip(upper=0.0).sum())
    any_path = listed + loss - (prices.given if better.any() else 0.0)
    improving = found.loc[better, ["demand", "place", "reduced_cost"]].reset_index(drop=True)
    return PathBound(goal, listed, any_path, improving)


def _listed(form: Form, reduced: Floats) -> pd.DataFrame:
    """(demand, least, counted): least reduced cost of its listed paths, and what the bound counts for them already."""
    positions, index = form.labels["via"]
    cost = reduced[positions]
    counted = np.minimum(cost, 0.0) * form.upper[positions]
    rows = pd.DataFrame({"demand": [at[0] for at in index], "cost": cost, "counted": counted})
    return rows.groupby("demand", as_index=False).agg(least=("cost", "min"), counted=("counted", "sum"))


class _Prices:
    """What the rows that a path enters cost at given duals, each by its index."""

    def __init__(self, problem: Problem, form: Form, dual: Floats, reduced: Floats) -> None:
        self.share = self._by(form, dual * _via_sign(form), "what_is_served_takes_some_path")
        self.latency: dict[Any, list[tuple[float, float]]] = defaultdict(list)
        for at, price in self._by(form, np.abs(dual), "serve_within_latency_what_is_made").items():
            self.latency[at[:4]].append((at[4], price))
        self.shared = self._by(form, np.abs(dual), "lit_modules_carry_the_traffic")
        self.each_way = self._by(form, np.abs(dual), "lit_modules_carry_each_direction")
        self.modes = dict(zip(problem.table("links")["link"], problem.table("links")["mode"], strict=True))
        self.unlit = _prices_of_light(problem, form, reduced)
        self.given = 0.0
        """What the existing capacity of links without a row is worth at their prices."""
        existing = dict(zip(problem.table("links")["link"], problem.table("links")["existing"], strict=True))
        for (e, y, h), price in self.unlit.items():
            rows = self.each_way if self.modes[e] != "shared" else self.shared
            if not any(at[0] == e and at[-2:] == (y, h) for at in rows):
                self.given += existing[e] * price * (1 if self.modes[e] == "shared" else 2)

    @staticmethod
    def _by(form: Form, worth: Floats, rule: str) -> dict[Any, float]:
        where, index = form.rows_of(rule)
        return {at: float(worth[row]) for row, at in zip(range(where.start, where.stop), index, strict=True)}

    def link(self, e: str, toward: str, back: str, moment: tuple[int, str], load: tuple[float, float]) -> float:
        """Price of one amount over a link toward one end; that of light where no row stands for the link yet."""
        along, against = load
        unlit = self.unlit.get((e, *moment), 0.0)
        if self.modes[e] == "shared":
            return self.shared.get((e, *moment), unlit) * (along + against)
        half = unlit / 2
        return (self.each_way.get((e, toward, *moment), half) * along
                + self.each_way.get((e, back, *moment), half) * against)


def _via_sign(form: Form) -> Floats:
    """For each row, the sign with which paths enter it; 0 where none does."""
    positions = np.zeros(form.columns, dtype=bool)
    positions[form.labels["via"][0]] = True
    signs = np.sign(form.matrix.data) * positions[form.matrix.indices]
    row = np.repeat(np.arange(form.matrix.shape[0]), np.diff(form.matrix.indptr))
    return np.sign(np.bincount(row, weights=signs, minlength=form.matrix.shape[0]))


def _prices_of_light(problem: Problem, form: Form, reduced: Floats) -> dict[tuple[str, int, str], float]:
    """A price of each link and moment that no module undercuts: its reduced cost over what it carries at all moments.

    Multipliers for rows that the model does not have, since nothing listed passes the link.
    """
    periods = problem.table("periods")["period"].to_numpy()
    slices = problem.table("slices")["slice"].tolist()
    left = pd.DataFrame(form.labels["modules"][1], columns=["link", "module", "period"])
    left["reduced"] = reduced[form.labels.span("modules")]
    modules = problem.table("modules").merge(left, on=["link", "module", "period"])
    prices: dict[tuple[str, int, str], float] = {}
    for e, v, life, size, cost in zip(*(modules[c] for c in ("link", "period", "life", "capacity", "reduced")),
                                      strict=True):
        lit = periods[(periods >= v) & (periods < v + life)]
        each = max(cost, 0.0) / (size * len(lit) * len(slices)) if size > 0 and len(lit) else np.inf
        for y in lit.tolist():
            for h in slices:
                prices[e, y, h] = min(prices.get((e, y, h), np.inf), each)
    return prices


def _least_reduced_costs(problem: Problem, prices: _Prices, rtt: Mapping[str, float]) -> pd.DataFrame:
    """(demand, place, reduced_cost): the least over all ways, of every assignment that has paths."""
    ways = problem.table("assignment_paths")
    lit = ways[ways["path"].isin(problem.table("path_links")["path"])]
    asked = lit.merge(problem.table("demands").rename(columns={"place": "region"}), on="demand")
    entries = _entries(problem, rtt)
    slacks = problem.table("activities").groupby("commodity")["slack"].agg(lambda each: sorted(set(each))).to_dict()
    rows: list[tuple[str, str, float]] = []
    key = ["demand", "region", "commodity", "period", "slice", "load", "load_back"]
    for at, members in asked.groupby(key):
        d, region, c, y, h, along, against = cast("tuple[str, str, str, int, str, float, float]", at)
        reached = _labels(problem, prices, entries[region], (y, h), (along, against), rtt)
        for p in members["place"].unique():
            tiers = prices.latency[p, c, y, h]
            costs = [price + _tier(tiers, slacks.get(c, []), trip) for price, trip in reached.get(p, ())]
            if costs:
                rows.append((d, p, min(costs) - prices.share.get((d, p), 0.0)))
    return pd.DataFrame(rows, columns=["demand", "place", "reduced_cost"])


def _tier(tiers: Sequence[tuple[float, float]], slacks: Sequence[float], trip: float) -> float:
    """Latency price of a round trip: of each threshold up to it, or beyond it with no slack between the two."""
    run = bisect_left(slacks, trip)
    return sum(price for at, price in tiers if bisect_left(slacks, at) <= run)


def _entries(problem: Problem, rtt: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """{region: {site where its listed paths enter the links: round trip until there}}"""
    links = problem.table("links")
    ends = {e: (a, b) for e, a, b in zip(links["link"], links["from"], links["to"], strict=True)}
    hops = problem.table("path_links")
    over = hops.assign(ms=hops["link"].map(rtt)).groupby("path")["ms"].sum()
    first = hops.drop_duplicates("path").merge(problem.table("paths"), on="path")
    out: dict[str, dict[str, float]] = defaultdict(dict)
    columns = [first[c] for c in ("path", "link", "toward", "from", "rtt")]
    for path, e, toward, region, trip in zip(*columns, strict=True):
        one, other = ends[e]
        enters = one if toward == other else other
        out[region][enters] = min(out[region].get(enters, np.inf), trip - float(over[path]))
    return out


def _labels(
    problem: Problem, prices: _Prices, entries: Mapping[str, float], moment: tuple[int, str],
    load: tuple[float, float], rtt: Mapping[str, float],
) -> dict[str, list[Label]]:
    """{place: (price, round trip) of the ways to it of which no other is both cheaper and faster}"""
    links = problem.table("links")
    arcs: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    for e, a, b, mode in zip(links["link"], links["from"], links["to"], links["mode"], strict=True):
        arcs[a].append((b, prices.link(e, b, a, moment, load), rtt[e]))
        if mode != "one_way":
            arcs[b].append((a, prices.link(e, a, b, moment, load), rtt[e]))
    found: dict[str, list[Label]] = defaultdict(list)
    queue = [(0.0, trip, place) for place, trip in sorted(entries.items())]
    while queue:
        price, trip, place = heappop(queue)
        if any(trip >= known for _, known in found[place]):
            continue
        found[place].append((price, trip))
        for other, more, further in arcs[place]:
            heappush(queue, (price + more, trip + further, other))
    return dict(found)
