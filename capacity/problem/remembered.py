"""Frontiers that were already searched: many questions differ in prices or demand only, and serve the same way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import pandas as pd

from capacity.serving import Calibration, frontier, why_empty

MOST = 2048
"""Frontiers kept, some ten kilobytes each; the one longest unused goes first."""

_known: OrderedDict[Hashable, tuple[pd.DataFrame, str]] = OrderedDict()


def remembered_frontier(asked: dict[str, Any]) -> tuple[pd.DataFrame, str]:
    """The frontier for the arguments of `serving.frontier`, and why it is empty where it is; kept in this process.

    Everything that `frontier` depends on is in its arguments: cards, interconnect, workload, limits, calibration. The
    frame is a copy of the caller's own.
    """
    key = tuple((name, _value(value)) for name, value in sorted(asked.items()))
    if key not in _known:
        found = frontier(**asked)
        _known[key] = (found, why_empty(**asked) if found.empty else "")
        if len(_known) > MOST:
            _known.popitem(last=False)
    _known.move_to_end(key)
    found, reason = _known[key]
    return found.copy(), reason


def _value(value: Any) -> Hashable:
    """A calibration counts by its numbers, everything else by itself."""
    if isinstance(value, Calibration):
        return tuple(sorted(value.values.items()))
    hash(value)
    return value  # type: ignore[no-any-return]
