"""A what-if that changes only numbers: the loaded model is changed in place, not built again.

    revised(form, before, after)   the new arrays; prices and limits alone cost no rows at all
    Built().form(problem)          the same, from the problem asked for last
    push(machine, old, new)        the differences into a loaded model, whose basis stays a good start
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from capacity.formulation import build_model
from capacity.problem import Problem
from capacity.solving.compile import Form, compile_problem, goal_name
from capacity.solving.compiler import RecordedModel, goals_alone
from capacity.solving.highs import Machine

PRICES = {"objective", "unit_cost", "shortage_price", "cash"}
"""Columns of the waist's tables that appear in goals alone, or in no row of the program."""

MOST_CHANGED = 0.2
"""Share of coefficients beyond which loading anew is quicker than changing one after the other."""


@dataclass
class Built:
    """The problem built last and its arrays: the next one like it is not built again."""

    last: tuple[Problem, Form] | None = None

    def form(self, problem: Problem) -> Form:
        """The arrays of a problem. Raises what `compile_problem` raises."""
        made = compile_problem(problem) if self.last is None else revised(self.last[1], self.last[0], problem)
        self.last = problem, made
        return made


def revised(form: Form, before: Problem, after: Problem) -> Form:
    """The arrays of `after`, given those of `before`. Raises what `compile_problem` raises."""
    changed = changes(before, after)
    if changed is None or any(c not in PRICES and (t, c) != ("limits", "rhs") for t, c in changed):
        return compile_problem(after)
    row_lower, row_upper = form.row_lower.copy(), form.row_upper.copy()
    if ("limits", "rhs") in changed:
        span, names = form.rows_of("limits_hold")
        stated = after.table("limits").set_index("limit").loc[names]
        row_lower[span] = np.where(stated["sense"] == "<=", -np.inf, stated["rhs"])
        row_upper[span] = np.where(stated["sense"] == ">=", np.inf, stated["rhs"])
    cost, offset = goals_alone(build_model(after, RecordedModel()), row_by_row=True)
    made = replace(form, row_lower=row_lower, row_upper=row_upper,
                   cost={goal_name(g): c for g, c in cost.items()}, offset={goal_name(g): o for g, o in offset.items()})
    idle = np.logical_and.reduce([c == 0 for c in form.cost.values()] or [np.ones(form.columns, dtype=bool)])
    priced = np.logical_or.reduce([c != 0 for c in made.cost.values()] or [np.zeros(form.columns, dtype=bool)])
    lonely = np.ones(form.columns, dtype=bool)
    lonely[form.matrix.indices] = False
    return compile_problem(after) if bool((lonely & idle & priced).any()) else made


def changes(before: Problem, after: Problem) -> set[tuple[str, str]] | None:
    """(table, column) of every number that differs; None where rows or words differ."""
    found: set[tuple[str, str]] = set()
    for name, table in after.tables.items():
        old = before.table(name)
        if table is old:
            continue
        if len(table) != len(old) or list(table.columns) != list(old.columns):
            return None
        for column in table.columns:
            if not table[column].equals(old[column]):
                if table[column].dtype.kind != "f" or bool((np.isinf(table[column]) != np.isinf(old[column])).any()):
                    return None
                found.add((name, str(column)))
    return found


def push(machine: Machine, old: Form, new: Form) -> bool:
    """Bring a model loaded from `old` (and nothing else) to `new`: sides and coefficients that differ, and bounds.

    False, and nothing changed, where rows or columns are others or too much differs. Costs are set for each goal.
    """
    a, b = old.matrix, new.matrix
    if a.shape != b.shape or not (np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices)):
        return False
    if not (old.labels.same(new.labels) and old.row_names == new.row_names):
        return False
    entries = np.flatnonzero(a.data != b.data)
    if len(entries) > MOST_CHANGED * max(a.nnz, 1):
        return False
    rows = np.searchsorted(b.indptr, entries, side="right") - 1
    machine.set_coefficients(rows, b.indices[entries], b.data[entries])
    moved = np.flatnonzero((old.row_lower != new.row_lower) | (old.row_upper != new.row_upper))
    machine.set_sides(moved, new.row_lower[moved], new.row_upper[moved])
    machine.set_bounds(new.lower, new.upper)
    return True
