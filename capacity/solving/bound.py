"""A bound that does not depend on how exactly a linear program was solved.

For any row multipliers y of the right sign, min c x subject to the rows is at least
    sum_i y_i * (the row's binding side) + sum_j min over the column's bounds of (c - A'y)_j x_j
(weak duality). It is finite where every column with a negative reduced cost has a finite upper bound.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from capacity.solving.compile import Form

Floats = NDArray[np.float64]


def lagrangian_bound(form: Form, cost: Floats, row_dual: Floats, kept: Sequence[tuple[Floats, float]] = ()) -> float:
    """Proven lower bound of cost x from approximate row duals; -inf where a needed column bound is missing.

    `kept` are further rows (coefficients, upper side) appended after the form's own, in the order of `row_dual`.
    """
    lower = np.concatenate([form.row_lower, np.full(len(kept), -np.inf)])
    upper = np.concatenate([form.row_upper, [value for _, value in kept]])
    dual = row_dual[: len(lower)]
    dual = np.where((dual > 0) & ~np.isfinite(lower), 0.0, dual)
    dual = np.where((dual < 0) & ~np.isfinite(upper), 0.0, dual)
    side = np.where(dual > 0, lower, upper)
    rows = float(np.sum(dual[dual != 0] * side[dual != 0]))
    reduced = cost - form.matrix.T @ dual[: form.matrix.shape[0]]
    for multiplier, (coefficients, _) in zip(dual[form.matrix.shape[0] :], kept, strict=True):
        reduced = reduced - multiplier * coefficients
    end = np.where(reduced > 0, form.lower, form.upper)
    used = reduced != 0
    if not np.all(np.isfinite(end[used])):
        return -np.inf
    return rows + float(np.sum(reduced[used] * end[used]))


def violation(form: Form, x: Floats, kept: Sequence[tuple[Floats, float]] = ()) -> float:
    """Largest violation of a row or bound, relative to the row's size; `kept` are further rows as above."""
    activity = form.matrix @ x
    size = 1.0 + abs(form.matrix) @ np.abs(x)
    rows = np.maximum(form.row_lower - activity, activity - form.row_upper) / size
    bounds = np.maximum(form.lower - x, x - form.upper) / (1.0 + np.abs(x))
    over = [(float(cost @ x) - value) / (1.0 + abs(value)) for cost, value in kept]
    return float(max(rows.max(initial=0.0), bounds.max(initial=0.0), *over, 0.0))
