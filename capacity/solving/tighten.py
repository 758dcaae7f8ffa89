"""Rows made tighter without losing any whole-number solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from capacity.solving.compile import Form

CLOSE = 1e-6


def round_rows(form: Form) -> Form:
    """Rows over whole columns with one common coefficient c: their sides move to multiples of c (Chvatal-Gomory)."""
    matrix = form.matrix
    starts, ends = matrix.indptr[:-1], matrix.indptr[1:]
    filled = ends > starts
    size = np.abs(matrix.data)
    low = np.full(len(starts), np.nan)
    high = np.full(len(starts), np.nan)
    low[filled] = np.minimum.reduceat(size, starts[filled])
    high[filled] = np.maximum.reduceat(size, starts[filled])
    whole = np.zeros(len(starts), dtype=bool)
    whole[filled] = np.logical_and.reduceat(form.integer[matrix.indices], starts[filled])
    same = whole & (high - low <= CLOSE * low)
    upper = np.where(same, np.floor(form.row_upper / low + CLOSE) * low, form.row_upper)
    lower = np.where(same, np.ceil(form.row_lower / low - CLOSE) * low, form.row_lower)
    crossed = lower > upper
    upper, lower = np.where(crossed, form.row_upper, upper), np.where(crossed, form.row_lower, lower)
    return replace(form, row_upper=upper, row_lower=lower)
