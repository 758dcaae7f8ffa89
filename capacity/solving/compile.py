"""A planning problem as arrays: its Pyomo rules, each run once for all its rows (`compiler`), with names in our words.

Names are made when someone asks: for a diagnosis, an LP file, a plan. Values of columns come back as tables at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from pyomo.common.gc_manager import PauseGC

from capacity.errors import InfeasibleError
from capacity.formulation import build_model
from capacity.problem import FLOW_VARIABLES, OPTIONAL_VARIABLES, VARIABLES, Problem
from capacity.solving.compiler import Arrays, EmptyRowError, RecordedModel, arrays
from capacity.solving.labels import Labels, RowNames

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
    labels: Labels
    row_names: Sequence[str]
    row_by_row: Mapping[str, str] = field(default_factory=dict)
    """Rules that were worked out one row after the other, and why."""

    @property
    def columns(self) -> int:
        """Number of columns."""
        return int(self.matrix.shape[1])

    def rows_of(self, rule: str) -> tuple[slice, list[Any]]:
        """(positions of a rule's rows, their indices); none where the rule has no rows."""
        names = self.row_names
        return names.span(rule) if isinstance(names, RowNames) else (slice(0, 0), [])

    def column_period(self) -> NDArray[np.int64]:
        """Period that each column's decision belongs to; -1 where it has none."""
        period = np.full(self.columns, -1)
        for name in self.labels:
            keys = PUBLIC.get(name, ())
            key = "vintage" if "vintage" in keys else "period"
            if key in keys:
                column = self.labels.keys_of(name)[keys.index(key)]
                period[self.labels.span(name)] = np.asarray(column.to_numpy(), dtype=np.int64)
        return period

    def column_place(self) -> NDArray[np.int64]:
        """Number of the place (or link) that each column's decision belongs to; -1 where it has none."""
        names: dict[str, int] = {}
        place = np.full(self.columns, -1)
        for name in self.labels:
            if PUBLIC.get(name, ("",))[0] in ("place", "link"):
                column = self.labels.keys_of(name)[0]
                numbers = [names.setdefault(str(label), len(names)) for label in column.categories]
                place[self.labels.span(name)] = np.array(numbers, dtype=np.int64)[column.codes]
        return place

    def tables(self, x: Floats, tolerance: float = 1e-9) -> dict[str, pd.DataFrame]:
        """Long tables of the public variables, zeros left out; optional ones only where the model has them."""
        out = {}
        for name, keys in PUBLIC.items():
            there = name in self.labels and self.labels.size(name) > 0
            if not there and name not in VARIABLES:
                continue
            values = x[self.labels.span(name)] if there else np.zeros(0)
            kept = np.flatnonzero(np.abs(values) > tolerance)
            columns = [c[kept] for c in self.labels.keys_of(name)] if there else [pd.Categorical([]) for _ in keys]
            plain = {key: _plain(key, c) for key, c in zip(keys, columns, strict=True)}
            out[name] = pd.DataFrame({**plain, "value": values[kept]}, columns=[*keys, "value"])
        return out


def _plain(key: str, column: pd.Categorical) -> list[Any] | NDArray[Any]:
    """Values of a key; without any it still has the type that tables are joined by."""
    if len(column):
        return list(column.categories.take(column.codes))
    return np.array([], dtype=np.int64 if key in ("period", "vintage") else object)


def compile_problem(problem: Problem) -> Form:
    """The whole program of a problem as arrays; no Pyomo object is made for a row or column.

    Raises what `build_model` raises, and InfeasibleError where a rule without terms cannot hold.
    """
    with PauseGC():  # what a build makes it keeps: looking for garbage among it costs a tenth of the time
        return compile_model(build_model(problem, RecordedModel()))


def compile_model(model: Any) -> Form:
    """All rows and every goal of a model. Columns that appear in no row and no goal are kept at zero.

    A rule that cannot be written down for all its rows at once is worked out row by row and listed in `row_by_row`.
    """
    try:
        made = arrays(model, row_by_row=True)
    except EmptyRowError as error:
        raise InfeasibleError(f"nothing can meet what is required: {error}") from error
    idle = _idle(made)
    zero = np.clip(0.0, made.lower, made.upper)
    return Form(
        matrix=made.matrix, row_lower=made.row_lower, row_upper=made.row_upper,
        lower=np.where(idle, zero, made.lower), upper=np.where(idle, zero, made.upper), integer=made.integer,
        cost={goal_name(name): cost for name, cost in made.cost.items()},
        offset={goal_name(name): offset for name, offset in made.offset.items()},
        labels=Labels(made.variables), row_names=RowNames(made.rules), row_by_row=made.row_by_row,
    )


def _idle(made: Arrays) -> NDArray[np.bool_]:
    """Columns in no row and no goal."""
    idle = np.ones(len(made.lower), dtype=bool)
    idle[made.matrix.indices] = False
    for cost in made.cost.values():
        idle &= cost == 0
    return idle


def goal_name(name: str) -> str:
    """A goal by the word of the table `goals`."""
    return name.removeprefix("goal_")
