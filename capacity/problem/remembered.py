"""Frontiers that were already searched: many questions differ in prices or demand only, and serve the same way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect
from capacity.serving import Calibration, frontiers, why_empty

Pool = tuple[Accelerator, Interconnect]
"""What copies run on, and its links."""

MOST = 2048
"""Frontiers kept, some ten kilobytes each; the one longest unused goes first."""

_known: OrderedDict[Hashable, tuple[pd.DataFrame, str]] = OrderedDict()


def remembered_frontier(asked: dict[str, Any]) -> tuple[pd.DataFrame, str]:
    """The frontier for the arguments of `serving.frontier`, and why it is empty where it is; kept in this process.

    Everything that `frontier` depends on is in its arguments: cards, interconnect, workload, limits, calibration. The
    frame is a copy of the caller's own.
    """
    shared = {name: value for name, value in asked.items() if name not in ("accelerator", "interconnect")}
    return remembered_frontiers(shared, [(asked["accelerator"], asked["interconnect"])])[0]


def remembered_frontiers(asked: dict[str, Any], pools: Sequence[Pool]) -> list[tuple[pd.DataFrame, str]]:
    """The same for each pool of accelerators that `serving.frontiers` is asked about; the unknown ones searched as one.

    `asked` has the arguments that the pools share.
    """
    shared = tuple((name, _value(value)) for name, value in sorted(asked.items()))
    keys = [(pool, shared) for pool in pools]
    known = {key: _known[key] for key in keys if key in _known}
    new = list(dict.fromkeys(key for key in keys if key not in known))
    searched = frontiers(pools=[pool for pool, _ in new], **asked) if new else []
    for key, found in zip(new, searched, strict=True):
        chip, links = key[0]
        known[key] = (found, why_empty(accelerator=chip, interconnect=links, **asked) if found.empty else "")
    for key in dict.fromkeys(keys):
        _known[key] = known[key]
        _known.move_to_end(key)
    while len(_known) > MOST:
        _known.popitem(last=False)
    return [(known[key][0].copy(), known[key][1]) for key in keys]


def _value(value: Any) -> Hashable:
    """A calibration counts by its numbers, everything else by itself."""
    if isinstance(value, Calibration):
        return tuple(sorted(value.values.items()))
    hash(value)
    return value  # type: ignore[no-any-return]
