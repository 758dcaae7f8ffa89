"""Each goal of a plan for reading: what was reached, what is proven, in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from capacity.plan.model import Plan
from capacity.plan.numbers import gap
from capacity.scenario.schema import Scenario

GOALS = {
    "shortage": ("least shortage", 1.0), "served": ("most served", -1.0), "cost": ("least cost", 1.0),
    "cost_and_shortage": ("least cost with priced shortage", 1.0), "surplus": ("most surplus", -1.0),
    "worst_shortage": ("least shortage of the worst year", 1.0), "carbon": ("least carbon", 1.0),
}
"""Each goal in words, and the sign that turns what is minimised into what is told."""


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
