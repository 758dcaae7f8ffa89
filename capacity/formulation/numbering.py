"""Whole numbers counted and sorted: what a hash table or a comparison sort does for any key, faster for small ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]

SPARE = 1_000_000
"""So many entries more than eight times its rows an array over all keys of a relation may have."""


def numbered_keys(keys: Integers, span: int) -> tuple[Integers, Integers]:
    """(number of each key, in order of first appearance; the row in which each number appears first) of whole numbers
    from 0 up to, not with, `span`."""
    rows = np.arange(len(keys))
    if bool(np.all(keys[1:] > keys[:-1])):
        return rows, rows
    if span <= 8 * len(keys) + SPARE:
        first = np.empty(span, dtype=np.int64)
        first[keys[::-1]] = rows[::-1]  # of equal keys the last one written, the first row, stands
        own = first[keys]
    else:
        codes, labels = pd.factorize(keys)
        first = np.empty(len(labels), dtype=np.int64)
        first[codes[::-1]] = rows[::-1]
        own = first[codes]
    new = own == rows
    if new.all():
        return rows, rows
    return (np.cumsum(new) - 1)[own], np.flatnonzero(new)


def sorted_once(keys: Integers, span: int) -> Integers:
    """The different ones among whole numbers from 0 up to, not with, `span`, in ascending order."""
    if span > 8 * len(keys) + SPARE:
        return np.unique(keys)
    there = np.zeros(span, dtype=bool)
    there[keys] = True
    return np.flatnonzero(there)


def stable_order(codes: NDArray[Any]) -> NDArray[Any]:
    """What sorts codes from zero on, equal ones in order: sixteen bits at a time, for which numpy has a radix sort."""
    if codes.max(initial=0) < 2**16:
        return np.argsort(codes.astype(np.uint16), kind="stable")
    low = np.argsort((codes & 0xFFFF).astype(np.uint16), kind="stable")
    return np.asarray(low[stable_order(codes[low] >> 16)])
