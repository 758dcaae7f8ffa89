"""Sharding search: every legal plan of a copy in one table, sized to its SLO, reduced to the Pareto frontier.

Plans are TP x PP x EP x attention-DP x where the KV waits, and, as `Modes` allows, x part of an accelerator x weights
that stream x precisions x pools of their own for prefill. For each the largest load within the SLO is found, for all
plans at once; throughput rises with it and so does every latency.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving import disaggregated
from capacity.serving.calibration import Calibration
from capacity.serving.cells import cell_of, precisions
from capacity.serving.modes import Modes
from capacity.serving.plans import Candidates, Cell, candidates
from capacity.serving.rows import FRONTIER_COLUMNS, Columns, Scores, columns, joined, pareto, scores
from capacity.serving.sizing import Sized, largest_loads
from capacity.serving.workload import Slo, Workload

__all__ = ["FRONTIER_COLUMNS", "frontier", "reserves"]


Pool = tuple[Accelerator, Interconnect]
"""What a pool runs on, and its links."""


@dataclass(frozen=True)
class Group:
    """Plans of one kind: what they are compared by, and how the chosen ones become columns."""

    scores: Scores
    columns: Callable[[NDArray[np.intp]], Columns]


def frontier(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload, slo: Slo, *,
             weights: str = "fp8", kv: str = "fp8", calibration: Calibration | None = None,
             max_accelerators: int = 4096, modes: Modes | None = None,
             prefill_on: Pool | None = None) -> pd.DataFrame:
    """Pareto frontier of sharding plans, most instances per accelerator first; columns FRONTIER_COLUMNS.

    Kept are plans that no smaller copy equals within 1 % in instances per accelerator, power per instance and latency
    slack (counted up to the far reserve of the calibration). `weights` and `kv` are a precision, several joined by
    commas, or `any` (see `precisions`). Times in seconds at the SLO's percentile; batch is the mean of sequences
    decoding in the copy. `prefill_on`: other accelerators for the prefill pools, disaggregated plans alone. Empty where
    nothing fits: see `why_empty`. Raises InputError for unknown precisions.
    """
    chosen = modes or Modes()
    groups: list[Group] = []
    levels: list[float] = []
    for pair in precisions(accelerator, weights, kv):
        cell = cell_of(model, accelerator, interconnect, workload, slo, *pair, calibration, chosen)
        levels = reserves(cell)
        if prefill_on is None:
            groups += [_own(cell, sized, pair) for sized in _sized(cell, max_accelerators)]
        if chosen.disaggregated:
            pool = prefill_on or (accelerator, interconnect)
            other = cell_of(model, *pool, workload, slo, *pair, calibration, chosen)
            groups += _pooled(cell, other, max_accelerators, pair)
    kept = pareto([group.scores for group in groups], levels)
    return joined([group.columns(rows) for group, rows in zip(groups, kept, strict=True) if len(rows)])


def _own(cell: Cell, sized: Sized, pair: tuple[str, str]) -> Group:
    """Copies that prefill for themselves."""
    return Group(scores(cell, sized), lambda rows: columns(cell, sized, rows, *pair))


def _pooled(cell: Cell, other: Cell, most: int, pair: tuple[str, str]) -> list[Group]:
    """Prefill and decode in pools of their own, at each latency held in reserve."""
    return [Group(unit.scores(), partial(disaggregated.columns, unit, weights=pair[0], kv=pair[1]))
            for unit in disaggregated.units(cell, other, most, (0.0, *reserves(cell)))]


def _sized(cell: Cell, max_accelerators: int) -> list[Sized]:
    """Every plan at its largest load, and those short of a reserve again with it held."""
    plans = candidates(cell, max_accelerators)
    sized = largest_loads(cell, plans.take(np.flatnonzero(plans.room > 0)))
    again = _reserved(cell, sized)
    return [sized] if again is None else [sized, largest_loads(cell, again)]


def _reserved(cell: Cell, sized: Sized) -> Candidates | None:
    """Plans with a latency headroom held in reserve that they lack at their largest load; None where none does."""
    slack, levels = sized.slack(cell), np.array(reserves(cell))
    if not len(levels):
        return None
    row, level = np.nonzero(slack[:, None] < levels[None, :])
    return sized.plans.take(row).hold(levels[level]) if len(row) else None


def reserves(cell: Cell) -> list[float]:
    """Latency headrooms at which plans are sized beside none."""
    fit = cell.system.fit
    return [r for r in (fit.rtt_reserve_near_s, fit.rtt_reserve_far_s) if r < cell.slo.ttft_s]
