"""Each goal of a plan for reading: what was reached, what is proven, in which unit; what is whole and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from capacity.plan.model import Plan
from capacity.plan.numbers import count, gap, share
from capacity.scenario.schema import Scenario

GOALS = {
    "shortage": ("least shortage", 1.0), "served": ("most served", -1.0), "cost": ("least cost", 1.0),
    "cost_and_shortage": ("least cost with priced shortage", 1.0), "surplus": ("most surplus", -1.0),
    "worst_shortage": ("least shortage of the worst year", 1.0), "carbon": ("least carbon", 1.0),
}
"""Each goal in words, and the sign that turns what is minimised into what is told."""


NEAR = 1e-6
"""Copies by which a count may pass a whole number through rounding."""


@dataclass(frozen=True)
class Proof:
    """One goal: words, unit, what was reached and its bound, gap, seconds, how it ended."""

    goal: str
    unit: str
    reached: str
    bound: str
    gap: str
    seconds: str
    ended: str


def proofs(plan: Plan) -> list[Proof]:
    """The goals of a plan in order."""
    out = []
    for s in plan.stages.to_dict("records"):
        words, sign = GOALS.get(s["goal"], (s["goal"].replace("_", " "), 1.0))
        reached, bound = (f"{sign * s[c] + 0.0:,.6g}" if isfinite(s[c]) else "–" for c in ("objective", "bound"))
        unit = goal_unit(s["goal"], plan.scenario)
        ending = s["status"].replace("_", " ")
        out.append(Proof(words, unit, reached, bound, gap(s["gap"]), f"{s['seconds']:.1f}", ending))
    return out


LUMPS = {"assets": ("asset", "pods"), "blocks": ("block", "phases"), "modules": ("module", "link modules")}
"""Table, name and word of what is bought by the piece."""


def wholeness(plan: Plan) -> str:
    """What is whole in a plan, and how much more rounding up what is not would take at most.

    Sites open wholly. Copies of a model are counted in fractions; each sharding plan at a site needs less than one copy
    more, so a year's error is at most the sum of what its copies lack to the next whole number, in accelerators.
    """
    split = []
    for table, (name, word) in LUMPS.items():
        told = plan.problem.table(table)
        split += [f"{word} {each}" for each in sorted(set(told.loc[~told["integer"].astype(bool), name].astype(str)))]
    words = "Sites, phases, pods and link modules are whole" + (f", but not {', '.join(split)}" if split else "") + "."
    used = plan.tables["sharding"]
    if used.empty:
        return words
    copies = used["accelerators_used"] / used["copy_accelerators"]
    lacking = (np.ceil(copies - NEAR) - copies).clip(lower=0.0) * used["copy_accelerators"]
    by_year = lacking.groupby(used["year"]).sum()
    there = plan.tables["fleet"].groupby("year")["accelerators"].sum().reindex(by_year.index)
    part = by_year / there
    worst = part.idxmax() if part.notna().any() else by_year.idxmax()
    more = f"{count(by_year[worst])} accelerators more in {worst}"
    of = f", {share(part[worst])} of those in service" if part.notna().any() else ""
    return (f"{words} Copies of a model are counted in fractions: making each whole would take at most {more}{of}, the "
            "most of any year.")


def goal_unit(name: str, scenario: Scenario | None) -> str:
    """The unit of a goal's value. Shortage is in per cent of a year's demand where the scenario counts it by share."""
    if name in ("cost", "cost_and_shortage", "surplus"):
        return "million USD, discounted"
    if name == "carbon":
        return "kt CO2, summed over years"
    asked = scenario.goal if scenario is not None else None
    weighted = ", weighted" if asked is not None and asked.year_weights else ""
    if name in ("shortage", "worst_shortage") and asked is not None and asked.by_share():
        return "% of a year's demand" + (", summed over years" if name == "shortage" else "") + weighted
    return "thousand instance-years" + weighted if name in ("shortage", "worst_shortage", "served") else ""
