"""What a plan is: the answer as tables in the user's words, with the problem and the values it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from capacity.errors import InputError, nearest
from capacity.plan.columns import PLAN_TABLES
from capacity.problem import Problem
from capacity.scenario.schema import Scenario


@dataclass(frozen=True)
class Plan:
    """One answer. `tables` are those of `columns.PLAN_TABLES`; `values` are the solution's variables at the waist."""

    name: str
    status: str
    """optimal, gap_reached, time_limit, interrupted, stopped: the best so far of a search that was killed; or
    one_of_several_futures: gaps are then against the best for that future alone"""
    scenario: Scenario | None
    """The question as resolved; None for a problem made by hand."""
    summary: Mapping[str, Any]
    """Plain numbers and texts, fit for JSON: what `capacity solve --json` prints."""
    tables: Mapping[str, pd.DataFrame]
    stages: pd.DataFrame
    """order, goal, objective, bound, gap, seconds, status"""
    assumptions: pd.DataFrame
    """what, value, unit, confidence, source"""
    problem: Problem
    values: Mapping[str, pd.DataFrame]

    def table(self, name: str) -> pd.DataFrame:
        """A copy of one table. Raises InputError naming the nearest table when there is none of this name."""
        if name not in self.tables:
            hint = nearest(name, list(PLAN_TABLES))
            told = f"a plan has no table {name!r}; it has: {', '.join(self.tables)}"
            raise InputError(told + (f"; nearest: {hint!r}" if hint else ""))
        return self.tables[name].copy()
