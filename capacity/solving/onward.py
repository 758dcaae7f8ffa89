"""Solving on from earlier years: what was decided and done before a year stays as it was.

Columns of earlier years are fixed where they were left, and rows that have no other columns are let go: they held when
they were decided. What is left to solve is the years from this one on, however many came before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.compile import PUBLIC, Form
from capacity.solving.keepsake import Keepsake, names_of
from capacity.solving.options import Options
from capacity.solving.resolve import Resolved
from capacity.solving.strategy import finish
from capacity.solving.warm import WarmSearch


@dataclass
class OnwardSearch(WarmSearch):
    """A search from `year` on; before it everything is as `earlier` has it."""

    earlier: Keepsake | None = None
    year: int = 0

    def built(self) -> Form:
        """The problem as arrays, with the years before this one fixed."""
        form = super().built()
        return form if self.earlier is None else fixed_before(form, self.problem, self.earlier, self.year)


def onward(problem: Problem, options: Options, earlier: Keepsake | None, year: int) -> Resolved:
    """Solve the years of a problem from one on, those before as a keepsake of the same scenario has them.

    Raises as `solve` does: InfeasibleError where what was done before leaves no plan for the years to come.
    """
    search = OnwardSearch(problem, options, None, earlier=earlier, year=year)
    solution = finish(search)
    return Resolved(solution, tuple(search.routes), search.keepsake())


def fixed_before(form: Form, problem: Problem, earlier: Keepsake, year: int) -> Form:
    """The program with columns of earlier years fixed, and rows of nothing else without sides."""
    when = years_of(form, problem)
    past = (when >= 0) & (when < year)
    known = np.clip(earlier.point(form, names_of(form)), form.lower, form.upper)
    known = np.where(form.integer, np.round(known), known)
    lower, upper = np.where(past, known, form.lower), np.where(past, known, form.upper)
    entries = form.matrix.tocoo()
    to_come = (entries.data != 0) & ~past[entries.col]
    over = np.bincount(entries.row[to_come], minlength=len(form.row_lower)) == 0
    return replace(form, lower=lower, upper=upper, row_lower=np.where(over, -np.inf, form.row_lower),
                   row_upper=np.where(over, np.inf, form.row_upper))


def years_of(form: Form, problem: Problem) -> NDArray[np.int64]:
    """Year in which each column is decided or done: its period, the vintage that it buys, or the period of the demand
    or flow that it is about; -1 where none."""
    years = np.full(form.columns, -1)
    about = {name: problem.table(f"{name}s").set_index(name)["period"] for name in ("demand", "flow")}
    for name in form.labels:
        keys = PUBLIC.get(name, ())
        key = next((key for key in ("period", "vintage", *about) if key in keys), None)
        if key is not None:
            column = form.labels.keys_of(name)[keys.index(key)].to_numpy()
            found = about[key].reindex(column).to_numpy() if key in about else column
            years[form.labels.span(name)] = np.asarray(found, dtype=np.int64)
    return years
