"""Rows that phases must meet together: demand that only some sites can reach needs power there, in whole phases.

For a set P of places and a period, the demands that no place outside P may serve need at least

    sum_{p in P, b} capacity[b] * standing[p,b]  +  sum_d w[d] * short[d]   >=   sum_d w[d] * amount[d]

with w[d] the least power per amount served of any activity on sale by then. Divided by the capacity of one kind of
phase and rounded (mixed-integer rounding: Nemhauser & Wolsey 1990), it says how many phases are needed, which the
relaxation with its fractions of phases does not know. The sets are the places that a region's class can reach, and
unions of two of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.compile import Form
from capacity.solving.cutsets import Cut
from capacity.solving.separation import RULE, as_matrix, unlike

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PAIRS_OF = 60
"""Sets of places of which unions are looked at; of more, those with the most demand."""
DIVISORS = 6
"""Capacities that rows are divided by, at most."""
IN_A_PERIOD = 40
"""Rows of one period looked at more closely in a round."""
LEAST = 1e-3
"""Least violation, as a share of the phases needed."""
OTHER_WAYS = ("rentals", "reservations", "needs", "ageing", "assignment_paths", "training", "block_resources")
"""Tables whose rows let something serve, or stand, in other ways than counted here."""


@dataclass(frozen=True)
class Reach:
    """Demand of one period that may force phases. d demands, i blocks (place and block), s sets of places."""

    period: int
    need: Floats
    """(d,): power for the whole of each demand"""
    short: NDArray[np.int64]
    """(d,): column of its shortage"""
    power: Floats
    """(d,): least power per amount"""
    inside: Flags
    """(s, d): demands that only places of the set may serve"""
    offered: Flags
    """(s, i): blocks at places of the set"""
    capacity: Floats
    """(i,)"""
    existing: Floats
    """(i,): blocks that stand already"""
    whole: Flags
    """(i,)"""
    built: sp.csr_matrix
    """(i, columns): 1 for each column that builds a block that stands in the period"""


def applies(problem: Problem, form: Form) -> bool:
    """Whether power in whole phases is all that a fleet can stand on here."""
    if any(len(problem.table(name)) for name in OTHER_WAYS) or not len(problem.table("asset_uses")):
        return False
    activities, uses = problem.table("activities"), problem.table("asset_uses")
    blocks = problem.table("blocks")
    one = len(set(uses["resource"])) == 1 and set(blocks["resource"]) == set(uses["resource"])
    fed = set(activities["asset"]) <= set(uses.loc[uses["amount"] > 0, "asset"]) and len(activities) > 0
    return bool(one and fed and "built" in form.labels and form.integer[form.labels.span("built")].any())


def reaches(problem: Problem, form: Form) -> list[Reach]:
    """The forced demand of every period."""
    demands = _with_power(problem)
    items = problem.table("blocks").reset_index(drop=True)
    places = items["place"].to_numpy()
    pairs = problem.table("assignments")[["demand", "place"]]
    names, columns = pd.unique(places), form.labels.span("short")
    keys = form.labels.keys_of("short")[0]
    short_of = pd.Series(np.arange(columns.start, columns.stop), index=[str(k) for k in keys])
    out = []
    for period, asked in demands.groupby("period", sort=True):
        asked = asked.reset_index(drop=True)
        at = pd.Series(np.arange(len(asked)), index=asked["demand"])
        near = pairs[pairs["demand"].isin(asked["demand"])]
        spot = pd.Index(names).get_indexer(near["place"])
        if (spot < 0).any():  # a place without blocks serves too: nothing is forced there
            lost = set(near.loc[spot < 0, "demand"])
            asked = asked[~asked["demand"].isin(lost)].reset_index(drop=True)
            at = pd.Series(np.arange(len(asked)), index=asked["demand"])
            near, spot = near[(spot >= 0) & ~near["demand"].isin(lost)], spot[
                (spot >= 0) & ~near["demand"].isin(lost).to_numpy()]
        if asked.empty:
            continue
        may = np.zeros((len(asked), len(names)), dtype=bool)
        may[at[near["demand"]].to_numpy(), spot] = True
        need = (asked["power"] * asked["amount"]).to_numpy()
        sets = _sets(may, need)
        out.append(Reach(
            period=int(str(period)), need=need, short=short_of[asked["demand"]].to_numpy().astype(np.int64),
            power=asked["power"].to_numpy(), inside=~((~sets).astype(np.int32) @ may.T.astype(np.int32) > 0),
            offered=sets[:, pd.Index(names).get_indexer(places)], capacity=items["capacity"].to_numpy(dtype=float),
            existing=items["existing"].to_numpy(dtype=float), whole=items["integer"].to_numpy(dtype=bool),
            built=_built(form, items, int(str(period))),
        ))
    return out


def _with_power(problem: Problem) -> pd.DataFrame:
    """Demands that someone may serve, with the least `power` per amount served of any activity on sale by then."""
    uses = problem.table("asset_uses")[["asset", "amount"]].rename(columns={"amount": "watts"})
    ways = problem.table("activities").merge(problem.table("assets")[["asset", "unit_size"]], on="asset")
    ways = ways.merge(uses, on="asset")
    sold = pd.concat([problem.table("asset_cells")[["asset", "vintage"]],
                      problem.table("committed")[["asset", "vintage"]]])
    first = sold.groupby("asset")["vintage"].min()
    ways = ways.assign(power=ways["watts"] / ways["unit_size"] / ways["output_per_unit"],
                       since=np.maximum(ways["first"], ways["asset"].map(first).fillna(np.inf)))
    nearest = problem.table("assignments").groupby("demand")["rtt"].min()
    demands = problem.table("demands").merge(nearest.rename("near"), on="demand")
    both = demands[["demand", "commodity", "period", "near"]].merge(
        ways[["commodity", "power", "since", "slack", "last"]], on="commodity")
    fit = (both["since"] <= both["period"]) & (both["period"] <= both["last"]) & (both["slack"] >= both["near"])
    least = both[fit].groupby("demand")["power"].min()
    demands = demands.merge(least.rename("power"), on="demand")
    return demands[demands["slice"] == demands["period"].map(_busiest_slice(demands))]


def _busiest_slice(demands: pd.DataFrame) -> pd.Series:
    """Of each period the slice that needs the most power; slices share it, so they do not add up."""
    load = demands.assign(load=demands["power"] * demands["amount"]).groupby(["period", "slice"])["load"].sum()
    return load.reset_index().sort_values("load", kind="stable").groupby("period")["slice"].last()


def _built(form: Form, items: pd.DataFrame, period: int) -> sp.csr_matrix:
    span = form.labels.span("built")
    place, block, year = (np.asarray(k) for k in form.labels.keys_of("built"))
    at = pd.MultiIndex.from_frame(items[["place", "block"]].astype(str)).get_indexer(
        pd.MultiIndex.from_arrays([place.astype(str), block.astype(str)]))
    since = year.astype(float)
    life = items["life"].to_numpy(dtype=float)[at]
    stands = (since <= period) & (period < since + life)
    columns = np.arange(span.start, span.stop)[stands]
    return sp.csr_matrix((np.ones(len(columns)), (at[stands], columns)), shape=(len(items), form.columns))


def _sets(may: Flags, need: Floats) -> Flags:
    """(s, places): the places that each demand may be served from, unions of two, and all."""
    sets, code = np.unique(may, axis=0, return_inverse=True)
    weight = np.bincount(code.ravel(), weights=need, minlength=len(sets))
    sets = sets[np.argsort(-weight, kind="stable")[:PAIRS_OF]]
    unions = (sets[:, None, :] | sets[None, :, :]).reshape(-1, sets.shape[1])
    return np.unique(np.vstack([sets, unions, sets.any(axis=0, keepdims=True)]), axis=0)


def cuts_at(reach: Reach, x: Floats) -> list[Cut]:
    """Rows of one period that a point violates, the deepest first."""
    left = (reach.inside @ (reach.need - reach.power * x[reach.short])) - reach.offered @ (
        reach.capacity * reach.existing)
    rhs = reach.inside @ reach.need - reach.offered @ (reach.capacity * reach.existing)
    missing, standing = rhs - left, reach.built @ x
    found: list[tuple[float, int, float]] = []
    for divisor in _divisors(reach):
        part, rounded = _rounded(reach, divisor, rhs)
        value = np.where(reach.offered, rounded, 0.0) @ standing + missing / divisor
        wanted = part * np.ceil(rhs / divisor - 1e-9)
        depth = np.where((rhs > 0) & (part > 1e-3), (wanted - value) / np.maximum(wanted, 1e-9), 0.0)
        best = np.argsort(-depth, kind="stable")[:IN_A_PERIOD]
        found += [(float(depth[i]), int(i), divisor) for i in best if depth[i] > LEAST]
    found.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    return [_row(reach, at, divisor, rhs, depth) for depth, at, divisor in found[:IN_A_PERIOD]]


def _divisors(reach: Reach) -> list[float]:
    sizes = np.unique(np.round(reach.capacity[reach.whole & (reach.capacity > 0)], 9))
    spread = np.linspace(0, len(sizes) - 1, min(len(sizes), DIVISORS)).round().astype(int)
    return [float(size) for size in sizes[np.unique(spread)]] if len(sizes) else []


def _rounded(reach: Reach, divisor: float, rhs: Floats) -> tuple[Floats, Floats]:
    """(fraction of the last phase that each set needs (s,), coefficient of each block in its row (s, i))"""
    part = rhs / divisor - np.ceil(rhs / divisor - 1e-9) + 1
    ratio = reach.capacity / divisor
    floor = np.floor(ratio + 1e-9)
    rest = np.maximum(ratio - floor, 0.0)
    rounded = part[:, None] * floor + np.minimum(rest, part[:, None])
    return part, np.where(reach.whole, rounded, ratio)


def _row(reach: Reach, at: int, divisor: float, rhs: Floats, depth: float) -> Cut:
    part, rounded = _rounded(reach, divisor, rhs[at : at + 1])
    blocks = sp.csr_matrix(np.where(reach.offered[at], rounded[0], 0.0)) @ reach.built
    blocks.sum_duplicates()
    forced = np.flatnonzero(reach.inside[at])
    columns = np.concatenate([blocks.indices, reach.short[forced]])
    entries = np.concatenate([blocks.data, reach.power[forced] / divisor])
    order = np.argsort(columns, kind="stable")
    wanted = float(part[0] * np.ceil(rhs[at] / divisor - 1e-9))
    return Cut(columns[order], entries[order], wanted, depth)


def with_cuts(form: Form, cuts: list[Cut], since: int) -> Form:
    """The program with further rows, numbered from `since`."""
    return replace(
        form, matrix=sp.csr_matrix(sp.vstack([form.matrix, as_matrix(cuts, form.columns)])),
        row_lower=np.concatenate([form.row_lower, [c.lower for c in cuts]]),
        row_upper=np.concatenate([form.row_upper, np.full(len(cuts), np.inf)]),
        row_names=(*form.row_names, *(f"{RULE}[phases {since + i}]" for i in range(len(cuts)))),
    )


def separated(forced: list[Reach], x: Floats, columns: int) -> list[Cut]:
    """Rows of all periods that a point violates and that are not nearly parallel."""
    cuts = [cut for reach in forced for cut in cuts_at(reach, x)]
    return unlike(sorted(cuts, key=lambda cut: -cut.depth), columns)
