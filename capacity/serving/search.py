"""Sharding search: every legal plan of a copy in one table, sized to its SLO, reduced to the Pareto frontier.

Plans are TP x PP x EP x attention-DP x where the KV waits, and, as `Modes` allows, x part of an accelerator x weights
that stream x precisions x pools of their own for prefill. For each the largest load within the SLO is found, for all
plans at once; throughput rises with it and so does every latency.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from capacity.serving.together import apart, stacked, stacks
from capacity.serving.workload import Slo, Workload

__all__ = ["FRONTIER_COLUMNS", "frontier", "frontiers", "reserves"]


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
    found = frontiers(model, [(accelerator, interconnect)], workload, slo, weights=weights, kv=kv, modes=modes,
                      calibration=calibration, max_accelerators=max_accelerators, prefill_on=prefill_on)
    return found[0]


def frontiers(model: ModelCard, pools: Sequence[Pool], workload: Workload, slo: Slo, *, weights: str = "fp8",
              kv: str = "fp8", calibration: Calibration | None = None, max_accelerators: int = 4096,
              modes: Modes | None = None, prefill_on: Pool | None = None) -> list[pd.DataFrame]:
    """The `frontier` of one model on each of several accelerators, to the last bit the same and in less time.

    Their plans are sized as one table where they are few (`together`). Raises InputError for unknown precisions.
    """
    chosen = modes or Modes()
    pairs = [(at, pair) for at, (chip, _) in enumerate(pools) for pair in precisions(chip, weights, kv)]

    def cell_on(pool: Pool, pair: tuple[str, str]) -> Cell:
        return cell_of(model, pool[0], pool[1], workload, slo, pair[0], pair[1], calibration, chosen)

    cells = [cell_on(pools[at], pair) for at, pair in pairs]
    own = _sized(cells, max_accelerators) if prefill_on is None else [(cell, []) for cell in cells]
    groups: list[list[Group]] = [[] for _ in pools]
    levels: list[list[float]] = [[] for _ in pools]
    for (at, pair), (cell, sized) in zip(pairs, own, strict=True):
        levels[at] = reserves(cell)
        groups[at] += [_own(cell, each, pair) for each in sized]
        if chosen.disaggregated:
            other = cell_on(prefill_on or pools[at], pair)
            groups[at] += _pooled(replace(cell, alike=None), other, max_accelerators, pair)
    return joined([_kept(mine, bounds) for mine, bounds in zip(groups, levels, strict=True)])


def _kept(groups: list[Group], levels: list[float]) -> list[Columns]:
    """The Pareto-best plans of all groups."""
    kept = pareto([group.scores for group in groups], levels)
    return [group.columns(rows) for group, rows in zip(groups, kept, strict=True) if len(rows)]


def _own(cell: Cell, sized: Sized, pair: tuple[str, str]) -> Group:
    """Copies that prefill for themselves."""
    return Group(scores(cell, sized), lambda rows: columns(cell, sized, rows, *pair))


def _pooled(cell: Cell, other: Cell, most: int, pair: tuple[str, str]) -> list[Group]:
    """Prefill and decode in pools of their own, at each latency held in reserve."""
    return [Group(unit.scores(), partial(disaggregated.columns, unit, weights=pair[0], kv=pair[1]))
            for unit in disaggregated.units(cell, other, most, (0.0, *reserves(cell)))]


def _sized(cells: Sequence[Cell], most: int) -> list[tuple[Cell, list[Sized]]]:
    """Each cell with its plans at their largest load; small ones are sized together."""
    made: dict[int, tuple[Cell, list[Sized]]] = {}
    plans = [every.take(np.flatnonzero(every.room > 0)) for every in (candidates(cell, most) for cell in cells)]
    for places in stacks(cells, plans):
        mine = [cells[at] for at in places]
        if len(places) == 1:
            made[places[0]] = (mine[0], _at_largest(mine[0], plans[places[0]]))
        else:
            found = _at_largest(mine[0], stacked(mine, [plans[at] for at in places]))
            made |= dict(zip(places, apart(mine, found), strict=True))
    return [made[at] for at in range(len(cells))]


def _at_largest(cell: Cell, plans: Candidates) -> list[Sized]:
    """Every plan at its largest load, and those short of a reserve again with it held."""
    sized = largest_loads(cell, plans)
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
