"""Break-even: the value of one input at which a plan starts or stops to meet a condition, by bracketing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from capacity.errors import InputError
from capacity.plan import Plan
from capacity.studies.ask import Asked, Condition
from capacity.studies.uncertain import ends_of

ACCURACY = 0.01
"""Width of the bracket at which the search stops, as a share of the first one."""


@dataclass(frozen=True)
class BreakEven:
    """The bracket in which the condition changes; `None` for one that does not change between the ends."""

    path: str
    low: str
    high: str
    holds_at_low: bool
    holds_at_high: bool
    solves: int
    table: pd.DataFrame
    """value, holds and every figure of each plan tried, by value."""

    @property
    def found(self) -> bool:
        """Whether the condition changes between the ends."""
        return self.holds_at_low != self.holds_at_high


def break_even(asked: Asked, path: str, low: str, high: str, condition: str, accuracy: float = ACCURACY) -> BreakEven:
    """Where between two values of `path` the condition changes, to `accuracy` of their distance.

    The condition must change once at most between the ends (`x0.5` and `x4`, or two values): each half that is left
    aside has the same answer at both of its ends. Each plan has its own gap, so a switch within the gaps may be early
    or late; the table has every gap. Raises InputError for ends that are no numbers or no figure of that name.
    """
    if not 0 < accuracy < 1:
        raise InputError(f"accuracy {accuracy:g}: give a share between 0 and 1, such as 1 %")
    wanted = Condition.read(condition)
    left, right, write = ends_of(asked.base, path, low, high)
    tried: dict[float, bool] = {}

    def holds(value: float) -> bool:
        if value not in tried:
            values = {path: write(value)}
            tried[value] = wanted.holds(asked.row(values), lambda: asked.plan(values))
        return tried[value]

    begun = asked.solved
    first, last = holds(left), holds(right)
    width = accuracy * (right - left)
    while first != last and right - left > width:
        middle = (left + right) / 2
        left, right = (middle, right) if holds(middle) == first else (left, middle)
    table = _table(asked, path, write, tried)
    return BreakEven(path, write(left), write(right), first, last, asked.solved - begun, table)


def _table(asked: Asked, path: str, write: Callable[[float], str], tried: dict[float, bool]) -> pd.DataFrame:
    rows = [{"value": write(v), "holds": tried[v], **asked.row({path: write(v)})} for v in sorted(tried)]
    return pd.DataFrame(rows)


def wage_crossings(plan: Plan) -> pd.DataFrame:
    """For each region the first year in which an instance-hour costs less than its nominal hourly wage.

    Columns region, wage_usd_h, first_year (NaN: in none), usd_per_instance_hour in that year, or in the last one.
    """
    schedule, regions = plan.tables["schedule"], plan.tables["regions"]
    cost = schedule.dropna(subset=["usd_per_instance_hour"])
    rows = []
    for region in regions.to_dict("records"):
        below = cost[cost["usd_per_instance_hour"] < region["wage_usd_h"]]
        year = below.iloc[0] if len(below) else (cost.iloc[-1] if len(cost) else None)
        rows.append({
            "region": region["region"], "wage_usd_h": region["wage_usd_h"],
            "first_year": float(below["year"].iloc[0]) if len(below) else float("nan"),
            "usd_per_instance_hour": float("nan") if year is None else float(year["usd_per_instance_hour"])})
    return pd.DataFrame(rows)
