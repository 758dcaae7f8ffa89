"""Pyomo model -> arrays, through Pyomo's own standard-form compiler (no LP file, no row-by-row hand-over)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from capacity.problem import FLOW_VARIABLES, OPTIONAL_VARIABLES, VARIABLES

Floats = NDArray[np.float64]
PUBLIC = {**VARIABLES, **OPTIONAL_VARIABLES, **FLOW_VARIABLES}


@dataclass(frozen=True)
class Form:
    """min cost[g] x + offset[g],  row_lower <= A x <= row_upper,  lower <= x <= upper,  x[integer] whole.

    Shapes: A (rows, columns) in CSR; cost one vector of length columns per goal, goals in their order.
    `labels` maps a variable's name to (column positions, index tuples).
    """

    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    cost: Mapping[str, Floats]
    offset: Mapping[str, float]
    labels: Mapping[str, tuple[NDArray[np.int64], list[Any]]]
    row_names: tuple[str, ...]

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    def column_period(self) -> NDArray[np.int64]:
        """Period that each column's decision belongs to; -1 where it has none."""
        period = np.full(self.columns, -1)
        for name, (positions, index) in self.labels.items():
            keys = PUBLIC.get(name, ())
            key = "vintage" if "vintage" in keys else "period"
            if key in keys:
                at = keys.index(key)
                period[positions] = [i[at] for i in index]
        return period

    def column_place(self) -> NDArray[np.int64]:
        """Number of the place (or link) that each column's decision belongs to; -1 where it has none."""
        names: dict[str, int] = {}
        place = np.full(self.columns, -1)
        for name, (positions, index) in self.labels.items():
            if PUBLIC.get(name, ("",))[0] in ("place", "link"):
                place[positions] = [names.setdefault(str(i[0]), len(names)) for i in index]
        return place

    def tables(self, x: Floats, tolerance: float = 1e-9) -> dict[str, pd.DataFrame]:
        """Long tables of the public variables, zeros left out; optional ones only where the model has them."""
        out = {}
        there = {name for name, (positions, _) in self.labels.items() if len(positions)}
        for name, keys in PUBLIC.items():
            if name not in VARIABLES and name not in there:
                continue
            positions, index = self.labels.get(name, (np.zeros(0, dtype=np.int64), []))
            values = x[positions]
            kept = np.flatnonzero(np.abs(values) > tolerance)
            rows = [index[i] if isinstance(index[i], tuple) else (index[i],) for i in kept]
            table = pd.DataFrame(rows, columns=list(keys))
            table["value"] = values[kept]
            out[name] = table
        return out


def compile_model(model: pyo.ConcreteModel) -> Form:
    """All rows and every goal of the model, in one pass. Columns that appear in no row and no goal are kept at zero."""
    goals = list(model.component_objects(pyo.Objective))
    made = LinearStandardFormCompiler().write(model, mixed_form=True)
    position = {id(column): at for at, column in enumerate(made.columns)}
    kinds = np.array([row.bound_type for row in made.rows], dtype=np.int64)
    rhs = np.asarray(made.rhs, dtype=float)
    lower = np.array([-np.inf if v.lb is None else v.lb for v in made.columns], dtype=float)
    upper = np.array([np.inf if v.ub is None else v.ub for v in made.columns], dtype=float)
    cost = sp.csr_matrix(made.c)
    return Form(
        matrix=sp.csr_matrix(made.A),
        row_lower=np.where(kinds <= 0, rhs, -np.inf),
        row_upper=np.where(kinds >= 0, rhs, np.inf),
        lower=lower,
        upper=upper,
        integer=np.array([not v.is_continuous() for v in made.columns], dtype=bool),
        cost={_goal(o): cost[i].toarray().ravel() for i, o in enumerate(goals)},
        offset={_goal(o): float(made.c_offset[i]) for i, o in enumerate(goals)},
        labels=_labels(model, position),
        row_names=tuple(row.constraint.name for row in made.rows),
    )


def _goal(objective: Any) -> str:
    return str(objective.local_name).removeprefix("goal_")


def _labels(model: pyo.ConcreteModel, position: Mapping[int, int]) -> dict[str, tuple[NDArray[np.int64], list[Any]]]:
    labels = {}
    for variable in model.component_objects(pyo.Var):
        found = [(position[id(data)], index) for index, data in variable.items() if id(data) in position]
        labels[str(variable.local_name)] = (
            np.array([at for at, _ in found], dtype=np.int64),
            [index for _, index in found],
        )
    return labels
