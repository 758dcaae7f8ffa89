"""The plain program: each place's opening is tied to what happens there by its grid and land alone.

The formulation ties it again to every single decision, which whole numbers do not need but relaxations do:

    serve[d,p] <= amount[d] * opened[p,y]     by demand       (`serve_only_from_open_places`)
    built[p,b,y] <= max[p,b,y] * opened[p,y]  by power        (`build_only_where_open`)
    bought[p,k,v] <= max[p,k,v] * opened[p,v] by supply       (`buy_only_where_open`)

Such disaggregated rows are the first of the means by which the search tightens a program, so the program that is
handed to others to be solved by their own means has none that its other rows imply: where a place is shut, nothing may
stand there, so nothing has power, serves, or was bought; where it is open, the row is the column's own bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.reach import PASSES, implied

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LINKING = ("serve_only_from_open_places", "build_only_where_open", "buy_only_where_open")
"""Rules whose rows tie one decision to the opening of its place."""
CLOSE = 1e-9


def plain(form: Form) -> Form:
    """The form without linking rows that its other rows imply in whole numbers; its plans are the same."""
    linking = np.zeros(form.matrix.shape[0], dtype=bool)
    for rule in LINKING:
        linking[form.rows_of(rule)[0]] = True
    if not linking.any() or "opened" not in form.labels:
        return form
    dropped = linking.copy()
    dropped[linking] = _implied(form, linking)
    kept = np.flatnonzero(~dropped)
    names = [name for name, gone in zip(form.row_names, dropped, strict=True) if not gone]
    return replace(form, matrix=sp.csr_matrix(form.matrix[kept]), row_lower=form.row_lower[kept],
                   row_upper=form.row_upper[kept], row_names=names)


def _implied(form: Form, linking: Flags) -> Flags:
    """Which linking rows, in their order, the others imply: with the place shut until a row's period, bounds passed on
    from row to row leave nothing of its column; with the place open, the column's bound is no looser than the row."""
    rows = sp.csr_matrix(form.matrix[linking])
    opened, period = form.labels.span("opened"), form.column_period()
    switch = (rows.indices >= opened.start) & (rows.indices < opened.stop)
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    two = np.diff(rows.indptr) == 2
    two &= (np.bincount(row, switch, minlength=rows.shape[0]) == 1) & (form.row_upper[linking] == 0)
    at, carrier, factor = np.full((3, rows.shape[0]), -1.0)
    at[row[switch]], factor[row[switch]] = rows.indices[switch], -rows.data[switch]
    carrier[row[~switch]] = rows.indices[~switch]
    scale = np.zeros(rows.shape[0])
    scale[row[~switch]] = rows.data[~switch]
    x, y = carrier.astype(np.int64), at.astype(np.int64)
    sure = two & (scale > 0) & (form.upper[x] * scale <= factor * (1 + CLOSE) + CLOSE)
    rest = replace(form, matrix=sp.csr_matrix(form.matrix[~linking]), row_lower=form.row_lower[~linking],
                   row_upper=form.row_upper[~linking])
    out = np.zeros(rows.shape[0], dtype=bool)
    for year in np.unique(period[y[sure]]):
        these = sure & (period[y] == year)
        out[these] = _shut(rest, opened, year)[x[these]] <= CLOSE
    return out


def _shut(form: Form, opened: slice, year: int) -> Floats:
    """Upper bounds of all columns with every place shut up to a year."""
    upper, before = form.upper.copy(), np.zeros(form.columns, dtype=bool)
    before[opened] = form.column_period()[opened] <= year
    upper[before] = 0.0
    for _ in range(PASSES):
        least = np.maximum(np.minimum(upper, implied(form, upper)), form.lower)
        if not (moved := least < upper - CLOSE).any():
            break
        upper = np.where(moved, least, upper)
    return upper
