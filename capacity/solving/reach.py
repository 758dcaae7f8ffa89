"""Columns and factors no larger than what could ever be reached, where a scenario's numbers dwarf what a plan can do.

A demand of ten billion beside sites that serve a million gives rows `serve <= 1e10 * opened`, in which HiGHS's
tolerance of 1e-6 on whole numbers is worth ten thousand: sites then serve a little without being open. What the other
rows let a column reach (its implied bound: Savelsbergh 1994, Preprocessing and probing, section 1.2) takes the place of
such a number, in its bound and in the factor of the row. No whole-number plan is lost. A program whose numbers are all
of a good size is left as it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.compile import Form
from capacity.solving.ranges import MOST

Floats = NDArray[np.float64]

PASSES = 8
"""From phases to pods, to what stands, to its use, to what it serves: each a pass."""
ROOM = 1e-7
"""Relative room left above an implied bound, for rounding."""
SWITCHES = ("opened",)
"""Columns between 0 and 1 that are whole in every plan without being declared so."""


def within_reach(form: Form) -> Form:
    """The form with implied bounds and factors for those beyond `MOST`; itself where there is none."""
    large = float(np.abs(form.matrix.data).max(initial=0.0)) > MOST
    if not large:
        return form
    upper = form.upper.copy()
    told = ~np.isfinite(upper) | (upper > MOST) | form.integer
    for _ in range(PASSES):
        least = np.where(told, implied(form, upper), np.inf)
        least = np.where(form.integer, np.floor(least + ROOM), least * (1 + ROOM) + ROOM)
        better = np.maximum(np.minimum(upper, least), form.lower)
        moved = better < upper * (1 - 1e-6)
        moved |= np.isposinf(upper) & np.isfinite(better)
        if not moved.any():
            break
        upper = np.where(moved, better, upper)
    return _switched(replace(form, upper=upper))


def implied(form: Form, upper: Floats) -> Floats:
    """Largest value of each column that its rows allow with all other columns within their bounds; inf where none."""
    matrix = form.matrix
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    column, factor = matrix.indices, matrix.data
    out = np.full(form.columns, np.inf)
    for sign, side in ((1.0, form.row_upper), (-1.0, -form.row_lower)):
        signed = sign * factor
        least = signed * np.where(signed > 0, form.lower[column], upper[column])
        free = ~np.isfinite(least)
        total = np.bincount(row, np.where(free, 0.0, least), minlength=matrix.shape[0])
        frees = np.bincount(row, free, minlength=matrix.shape[0])
        bounds = (signed > 0) & (frees[row] == 0) & np.isfinite(side[row])
        at = np.flatnonzero(bounds)
        room = side[row[at]] - (total[row[at]] - least[at])
        np.minimum.at(out, column[at], room / signed[at])
    return out


def _switched(form: Form) -> Form:
    """Rows `a x - c y <= 0` with y a switch: c no larger than a times the most that x reaches."""
    matrix = form.matrix
    two = np.flatnonzero((np.diff(matrix.indptr) == 2) & (form.row_upper == 0) & np.isneginf(form.row_lower))
    first = matrix.indptr[two]
    at = np.stack([first, first + 1])
    at = np.where(matrix.data[first] > 0, at, at[::-1])
    (carrier, switch), (a, c) = matrix.indices[at], matrix.data[at]
    switches = form.integer.copy()
    for name in SWITCHES:
        if name in form.labels:
            switches[form.labels.span(name)] = True
    reach = a * form.upper[carrier]
    fits = (a > 0) & (c < -reach) & switches[switch] & (form.upper[switch] <= 1) & (reach > 0)
    data = matrix.data.copy()
    data[at[1][fits]] = -reach[fits]
    return replace(form, matrix=sp.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape))
