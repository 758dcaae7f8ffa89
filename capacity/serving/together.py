"""Plans of several accelerators sized as one table: what tells them apart under load stands in columns.

Arrays of a hundred plans cost what their calls cost, not what their numbers do. A dense model has that many on one
accelerator; side by side those of a dozen take hardly longer.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from capacity.serving.load import Prefill
from capacity.serving.plans import Candidates, Cell
from capacity.serving.sizing import Sized
from capacity.serving.step import PER_PLAN, Terms, terms
from capacity.serving.system import Layout

MOST = 4096
"""Plans of one table: more no longer fit the processor's caches."""


def stacks(cells: Sequence[Cell], plans: Sequence[Candidates]) -> Iterator[list[int]]:
    """Places of cells whose plans may be sized as one table, in tables of some thousand plans."""
    alike: dict[Hashable, list[int]] = {}
    for at, cell in enumerate(cells):
        alike.setdefault(_same_under_load(cell, at), []).append(at)
    for places in alike.values():
        held: list[int] = []
        for at in places:
            if held and sum(len(plans[i]) for i in held) + len(plans[at]) > MOST:
                yield held
                held = []
            held.append(at)
        yield held


def _same_under_load(cell: Cell, at: int) -> Hashable:
    """What cells must share for their loads to be worked out together; what streams or drafts stands by itself."""
    system, fit = cell.system, cell.system.fit
    if system.draft is not None or cell.modes.streaming:
        return at
    return (system.arch, system.kv_token_bytes, system.index_kept_bytes, system.kv_reads, system.verify, fit.knee,
            fit.rank_imbalance, fit.prompt_cv2, fit.chunk_tokens, fit.rtt_reserve_near_s, fit.rtt_reserve_far_s,
            cell.workload, cell.slo)


def stacked(cells: Sequence[Cell], plans: Sequence[Candidates]) -> Candidates:
    """One table of all plans, with the terms of their steps; `member` says whose each is."""
    tp, pp, ep, dp = (np.concatenate([getattr(p.layout, name) for p in plans]) for name in ("tp", "pp", "ep", "dp"))
    layout = Layout(tp, pp, ep, dp)
    known = [terms(cell.system, p.layout) for cell, p in zip(cells, plans, strict=True)]
    layout.memo[:] = [(cells[0].system, Terms(layout, **{
        name: np.concatenate([getattr(t, name) for t in known]) for name in PER_PLAN}))]
    first = Prefill(plans[0].prefill.chunks, *(np.concatenate([getattr(p.prefill, name) for p in plans]) for name in (
        "chunk_s", "token_bytes", "prefix_bytes", "host_rate", "shared_rate")))
    host, reserve, room, host_room = (np.concatenate([getattr(p, name) for p in plans])
                                      for name in ("host", "reserve", "room", "host_room"))
    return Candidates(layout, host, reserve, first, room, host_room,
                      np.repeat(np.arange(len(plans)), [len(p) for p in plans]))


def apart(cells: Sequence[Cell], found: Sequence[Sized]) -> list[tuple[Cell, list[Sized]]]:
    """Each cell, which now knows whose terms its plans carry, with its own of what was found for all."""
    whole = cells[0].system
    return [(replace(cell, alike=whole), [sized.take(np.flatnonzero(sized.plans.member == own)) for sized in found])
            for own, cell in enumerate(cells)]
