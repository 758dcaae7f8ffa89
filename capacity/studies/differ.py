"""What changed between two plans: when they part, sites, chips, sharding; and whether the gaps tell them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from capacity.plan import Plan
from capacity.studies.rows import chip_shares, sites_used

SAME_SHARE = 0.01
"""Purchases of a year that differ by less than this share of the larger count as the same."""
MIX_POINTS = 0.02
"""Chips whose share of accelerator-years moves by less than this are not told."""

DECISIONS = {
    "openings": (("site",), "year", None), "phases": (("site", "phase"), "year", "built"),
    "pods": (("site", "accelerator"), "vintage", "accelerators"),
    "rentals": (("site", "accelerator"), "year", "accelerators"), "links": (("link",), "year", "new_gbps"),
}
"""Plan tables that hold decisions: their keys, their year, and the amount decided (None: yes or no)."""


@dataclass(frozen=True)
class Difference:
    """How a plan differs from the one it is held against."""

    first_year: int | None
    """First year in which something else is built, bought, rented or lit; None: the same decisions."""
    first_what: str
    sites_gained: tuple[str, ...]
    sites_lost: tuple[str, ...]
    mix: Mapping[str, float]
    """Change of each chip's share of accelerator-years, in shares, where it is worth telling."""
    sharding: tuple[str, ...]
    """Classes whose most used copy changed, as `class: old -> new`."""

    def words(self) -> str:
        """One line."""
        if self.first_year is None:
            return "same decisions"
        parts = [f"from {self.first_year}: {self.first_what}"]
        parts += [f"+{site}" for site in self.sites_gained] + [f"-{site}" for site in self.sites_lost]
        parts += [f"{chip} {100 * change:+.0f} pts" for chip, change in self.mix.items()]
        return "; ".join([*parts, *self.sharding])


def difference(old: Plan, new: Plan) -> Difference:
    """What changed from one plan to another."""
    first_year, what = _first(old, new)
    before, after = sites_used(old), sites_used(new)
    shares = pd.DataFrame({"old": chip_shares(old), "new": chip_shares(new)}).fillna(0.0)
    moved = (shares["new"] - shares["old"]).sort_values(key=abs, ascending=False)
    mix = {str(chip): float(change) for chip, change in moved.items() if abs(change) >= MIX_POINTS}
    return Difference(first_year, what, tuple(sorted(after - before)), tuple(sorted(before - after)), mix,
                      _sharding(old, new))


def _first(old: Plan, new: Plan) -> tuple[int | None, str]:
    """The first year whose decisions differ, and what differs most in it."""
    found: list[tuple[int, float, str]] = []
    for name, (keys, year, amount) in DECISIONS.items():
        one, other = (_decided(plan.tables[name], keys, year, amount) for plan in (old, new))
        both = pd.DataFrame({"old": one, "new": other}).fillna(0.0)
        apart = (both["new"] - both["old"]).abs()
        largest = both.abs().max(axis=1)
        moved = both[apart > SAME_SHARE * largest]
        in_year = largest.groupby(level=year).sum()
        for *place, when, before, after in moved.reset_index().itertuples(index=False):
            part = abs(after - before) / max(float(in_year[when]), 1e-9)
            found.append((int(when), -part, _told(name, place, before, after)))
    return (min(found)[0], min(found)[2]) if found else (None, "")


def _decided(table: pd.DataFrame, keys: tuple[str, ...], year: str, amount: str | None) -> pd.Series:
    values = pd.Series(1.0, index=table.index) if amount is None else table[amount]
    total = values.groupby([table[k] for k in (*keys, year)]).sum()
    return total[total > 1e-6]


NOUNS = {"openings": "opens", "phases": "phases", "pods": "accelerators bought", "rentals": "accelerators rented",
         "links": "Gb/s lit"}


def _told(name: str, place: list[Any], before: float, after: float) -> str:
    where = " ".join(str(p) for p in place if p not in ("phase", "hall"))
    if name == "openings":
        return f"{where} {'opens' if after else 'does not open'}"
    return f"{where} {before:,.0f} -> {after:,.0f} {NOUNS[name]}"


def _sharding(old: Plan, new: Plan) -> tuple[str, ...]:
    one, other = copies(old), copies(new)
    return tuple(f"{name}: {one[name]} -> {other[name]}" for name in one if name in other and one[name] != other[name])


def copies(plan: Plan) -> dict[str, str]:
    """For each class the copy that carries most instance-years: variant, chip and degrees of parallelism."""
    table = plan.tables["sharding"]
    if not len(table):
        return {}
    keys = ["service_class", "variant", "accelerator", "tp", "pp", "ep", "dp"]
    carried = (table["mean_accelerators_used"] * table["instances"] / table["accelerators_used"].replace(0, np.nan))
    total = carried.fillna(0.0).groupby([table[k] for k in keys]).sum().sort_values(ascending=False).reset_index()
    best = total.drop_duplicates("service_class").sort_values("service_class")
    return {str(r["service_class"]): _copy(r) for r in best.to_dict("records")}


def _copy(row: Mapping[Any, Any]) -> str:
    degrees = " ".join(f"{name}{row[name]:.0f}" for name in ("tp", "pp", "ep", "dp") if row[name] > 1)
    return f"{row['variant']} on {row['accelerator']} {degrees or 'tp1'}"


WORDS = {
    "shortage": ("less short", "more short"), "served": ("serves more", "serves less"),
    "worst_shortage": ("less short at worst", "more short at worst"), "surplus": ("more surplus", "less surplus"),
    "carbon": ("less carbon", "more carbon"),
}
COST_WORDS = ("cheaper", "dearer")


def decided(old: Mapping[str, Any], new: Mapping[str, Any], goals: list[str]) -> str:
    """How the first goal that tells two plans apart does so: `cheaper`, `more short`, ..., `same` or `not decided`.

    Rows have `<goal>_objective` and `<goal>_bound`. The true optimum of each lies between its bound and its objective;
    where the two intervals overlap the gaps allow no judgement, and the next goal is no tie-breaker either.
    """
    for goal in goals:
        one, other = (_interval(row, goal) for row in (old, new))
        if one is None or other is None:
            return "not decided"
        if other[1] < one[0] - _rounding(one):
            return WORDS.get(goal, COST_WORDS)[0]
        if other[0] > one[1] + _rounding(one):
            return WORDS.get(goal, COST_WORDS)[1]
        if not _equal(one, other):
            return "not decided"
    return "same"


def _interval(row: Mapping[str, Any], goal: str) -> tuple[float, float] | None:
    low, high = row.get(f"{goal}_bound"), row.get(f"{goal}_objective")
    if low is None or high is None or not np.isfinite([low, high]).all():
        return None
    return min(float(low), float(high)), float(high)


def _rounding(interval: tuple[float, float]) -> float:
    return 1e-6 * max(1.0, abs(interval[1]))


def _equal(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[1] - other[1]) <= _rounding(one)
