"""The ways that users may take over lit links are listed, which is a restriction: what the goals could be without it.

The bounds are those of the relaxation, by `solving.unrestricted`: of the first goal, and of each later one for plans
that are no worse in the earlier ones than this plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from capacity.plan.proof import GOALS
from capacity.problem import Problem
from capacity.solving.unrestricted import path_bounds

LEAST_S = 20.0
"""Seconds that the pricing may take even where the plan itself took less."""


def ways_limit(problem: Problem, stages: pd.DataFrame, seconds: float) -> dict[str, Any] | None:
    """What the restriction to listed ways may cost, fit for JSON: `listed` ways, and for each goal that was priced
    `goal`, `bound_listed`, `bound_any` and `pairs`, the pairs of demand and site that a further way would help.
    `losses_left_out`: whether both are bounds without what may be lost, which are bounds with it too.

    None where no way is listed. `goals` is empty, and `why` says so, where further ways are not priced: for a problem
    whose links have no round trips, or when the relaxation takes longer than the plan took (`seconds`).
    """
    if not len(problem.table("assignment_paths")):
        return None
    told: dict[str, Any] = {"listed": int(problem.table("path_links")["path"].nunique()), "goals": [], "why": None,
                            "losses_left_out": len(problem.table("failures")) > 0}
    links = problem.words.get("links")
    if links is None or "rtt_ms" not in links or not len(links):
        return told | {"why": "the links' round trips are not known, so further ways are not priced"}
    rtt = {str(e): float(ms) for e, ms in zip(links["link"], links["rtt_ms"], strict=True)}
    found = path_bounds(problem, rtt, stages["objective"].tolist()[:-1], max(seconds, LEAST_S))
    goals = [{"goal": b.goal, "bound_listed": b.listed, "bound_any": b.any_path, "pairs": len(b.improving)}
             for b in found]
    late = len(stages) - len(found)
    return told | {"goals": goals, "why": f"the relaxation of {late} more was not solved in time" if late > 0 else None}


def ways_told(limit: Mapping[str, Any]) -> str:
    """The restriction in words."""
    count = limit["listed"]
    said = f"Users may take the {count} lit way{'s' if count != 1 else ''} listed, a restriction"
    helped = [goal for goal in limit["goals"] if goal["pairs"]]
    lost = bool(limit.get("losses_left_out"))
    if limit["goals"] and not helped:
        said += " that costs nothing" + (" while nothing is lost" if lost else "")
        said += ": no further way improves the relaxation of any goal"
    for n, goal in enumerate(helped):
        words, sign = GOALS.get(goal["goal"], (goal["goal"].replace("_", " "), 1.0))
        any_way, over_listed = (sign * goal[key] + 0.0 for key in ("bound_any", "bound_listed"))
        said += ("; " if n else ": ") + (
            f"over any ways the bound of {words} is {any_way:,.6g}, over the listed ones {over_listed:,.6g}, with "
            f"{goal['pairs']} pair{'s' if goal['pairs'] != 1 else ''} of demand and site that a further way would help")
    if lost and helped:
        said += "; what may be lost is left out of these bounds, so they hold with it"
    return f"{said}; {limit['why']}." if limit["why"] else f"{said}."
