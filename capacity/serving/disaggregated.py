"""Prefill and decode in pools of their own, also on different accelerators.

A unit is i prefill copies and j decode copies. A turn's cached prompt is sent from the decode copy that keeps the
session to a prefill copy, and the KV of the fresh tokens back, so that all KV of the prompt crosses the network once:

    transfer = 2 alpha + KV(prompt) / (eff * bandwidth * accelerators that send or receive, whichever are fewer)
    TTFT     = wait in an M/G/1 queue for prefill + prefill + transfer + reload,   TPOT = decode step alone
    i / j    = turns/s of a decode copy / turns/s at which a prefill copy still keeps the TTFT

Either pool's copies may be parts of an accelerator or stream their weights, as the search allows: a prefill copy then
fetches them once a chunk. Nothing is overlapped: engines that send layer by layer are quicker (Splitwise, arXiv
2311.18677; DistServe, arXiv 2401.09670).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from capacity.serving.architecture import Array, Rows
from capacity.serving.collectives import GIGA
from capacity.serving.load import Load, Prefill, gamma_quantile, prefill, queue
from capacity.serving.memory import held_bytes, kv_room, kv_sequence_bytes, waiting_bytes
from capacity.serving.plans import LIMITS, Candidates, Cell, candidates, layouts
from capacity.serving.power import power_w, utilisation
from capacity.serving.rows import FRONTIER_COLUMNS, Columns, Scores, pareto, scores, shape, split
from capacity.serving.sizing import Sized, largest_loads
from capacity.serving.system import GIB, Layout, System

FEW = 16
"""Prefill and decode shardings that are paired with each other; most copies of either in a unit."""
HALVINGS = 20
NEARLY = 0.01
"""The smallest unit within this share of the best ratio is taken."""


@dataclass(frozen=True)
class Units:
    """Pairs of a prefill and a decode sharding with their copies, one entry a unit."""

    cell: Cell
    prefill_cell: Cell
    decode: Candidates
    at: Load
    """One decode copy."""
    beyond: Array
    instances: Array
    """Of one decode copy."""
    prefill: Layout
    first: Prefill
    decode_copies: Array
    prefill_copies: Array
    ttft: Array
    busy: Array
    """Share of time in which a prefill copy has work."""

    def take(self, rows: Rows) -> Units:
        """The units at an index or mask."""
        return Units(self.cell, self.prefill_cell, self.decode.take(rows), self.at.take(rows), self.beyond[rows],
                     self.instances[rows], self.prefill.take(rows), self.first.take(rows), self.decode_copies[rows],
                     self.prefill_copies[rows], self.ttft[rows], self.busy[rows])

    @property
    def prefill_accelerators(self) -> Array:
        """Of all prefill copies of the unit."""
        return self.prefill_copies * self.prefill.accelerators

    @property
    def accelerators(self) -> Array:
        """Of the unit."""
        return self.prefill_accelerators + self.decode_copies * self.decode.layout.accelerators

    @property
    def rate(self) -> Array:
        """Instances per accelerator, of both pools."""
        return self.decode_copies * self.instances / self.accelerators

    def mean(self, decode: Array, prefill: Array) -> Array:
        """A figure per accelerator over both pools."""
        share = self.prefill_accelerators / self.accelerators
        return (1.0 - share) * decode + share * prefill

    def power_w(self) -> Array:
        """Mean watts per accelerator."""
        fit, card = self.prefill_cell.system.fit, self.prefill_cell.system.accelerator
        own = card.it_power_w * (fit.idle_power + self.busy * (fit.prefill_power - fit.idle_power))
        return self.mean(power_w(self.cell.system, self.decode.layout, self.at), own)

    def scores(self) -> Scores:
        """What the units are compared by."""
        return Scores(self.rate, self.power_w() / self.rate, self.cell.slo.ttft_s - self.ttft, self.accelerators)


def units(cell: Cell, prefill_cell: Cell, most: int, reserves: Sequence[float]) -> list[Units]:
    """The units worth comparing with each `reserves` seconds of round trip held back, least first; none without any."""
    found, decoders = [], None
    for reserve in sorted(reserves):
        pool, first = _prefill_plans(prefill_cell, most, cell.slo.ttft_s - reserve)
        if not len(pool.tp):
            break
        held = reserve + float(((first.chunks + pool.pp - 1.0) * first.chunk_s).min())
        if decoders is None or (decoders.slack(cell) < held).any():
            decoders = _decoders(cell, most, held)
        kept = replace(decoders, plans=decoders.plans.hold(np.full(len(decoders.plans), held)))
        made = _paired(cell, prefill_cell, kept, pool, first)
        unit = None if made is None else _sized(made, most, reserve)
        found += [] if unit is None else [unit]
    return found


def _decoders(cell: Cell, most: int, held: float) -> Sized:
    """Decode shardings worth pairing, at their largest load with `held` seconds left for prefill and round trip.

    Of those that still keep a longer hold, each carries as much and none becomes better than it was.
    """
    plans = candidates(cell, most)
    none = np.zeros(len(plans))
    plans = replace(plans, prefill=replace(plans.prefill, chunks=0.0, chunk_s=none), reserve=none + held)
    sized = largest_loads(cell, plans.take(plans.room > 0))
    worth = scores(cell, sized)
    rows = pareto([worth], [])[0]
    return sized.take(_spread(rows[np.argsort(-worth.rate[rows], kind="stable")]) if len(rows) > FEW else rows)


def _paired(cell: Cell, prefill_cell: Cell, sized: Sized, pool: Layout, first: Prefill) -> Units | None:
    """Every decode sharding with every prefill sharding."""
    if not len(sized.plans):
        return None
    d, p = (x.ravel() for x in np.meshgrid(np.arange(len(sized.plans)), np.arange(len(pool.tp)), indexing="ij"))
    one, chosen = np.ones(len(d)), sized.take(d)
    return Units(cell, prefill_cell, chosen.plans, chosen.at, chosen.beyond, chosen.instances, pool.take(p),
                 first.take(p), one, one, one * np.inf, np.zeros(len(d)))


def _prefill_plans(cell: Cell, most: int, limit_s: float) -> tuple[Layout, Prefill]:
    """Prefill shardings that fit and are quick enough, none slower and dearer than another; at most FEW."""
    system, work = cell.system, cell.workload
    layout = layouts(system, cell.modes, most)
    first = prefill(system, layout, work)
    latency = (first.chunks + layout.pp - 1.0) * first.chunk_s
    one = kv_sequence_bytes(system, layout, np.full_like(layout.tp, work.context_p95))
    rate = layout.dp / first.busy_s / layout.accelerators
    room = (kv_room(system, layout) >= one) & (waiting_bytes(system, layout) <= system.host_bytes)
    fits = np.flatnonzero(room & (latency < limit_s))
    order = fits[np.lexsort((layout.accelerators[fits], -rate[fits]))]
    before = np.minimum.accumulate(np.concatenate([[np.inf], latency[order]]))[:-1]
    chosen = order[latency[order] < before * (1.0 - NEARLY)]
    chosen = _spread(chosen)
    return layout.take(chosen), first.take(chosen)


def _spread(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most FEW of ordered rows, the first and the last among them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, FEW).astype(int))] if len(rows) else rows


def transfer_s(unit: Units, turns_s: Array) -> Array:
    """Seconds in which the KV of a prompt crosses the network, `turns_s` turns a second at one prefill copy.

    Infinite where the links of either pool cannot carry what its turns send.
    """
    sender, receiver = unit.cell.system, unit.prefill_cell.system
    work, decode, pool = unit.cell.workload, unit.decode.layout, unit.prefill
    alpha, rate = link(sender, receiver, decode, pool)
    prefix, fresh = (_whole_bytes(sender, tokens) for tokens in (work.prefix, work.fresh_per_turn))
    lanes = np.minimum(decode.tp * decode.pp, pool.tp * pool.pp)
    alone = (1.0 + (prefix > 0)) * alpha + (prefix + fresh) / (rate * lanes)
    most = max(prefix, fresh)
    own = work.turns_s * unit.instances * most / (rate * decode.accelerators)
    busy = np.maximum(own, turns_s * most / (rate * pool.accelerators))
    return np.where(busy < 1.0, alone * (1.0 + busy / (2.0 * np.maximum(1.0 - busy, 1e-9))), np.inf)


def link(one: System, other: System, decode: Layout, pool: Layout) -> tuple[Array, Array]:
    """Latency and bytes/s per accelerator between two copies: in the domain that holds both, else the slower fabric."""
    a, b = one.links, other.links
    inside = (decode.accelerators + pool.accelerators <= a.domain) & (one.accelerator.id == other.accelerator.id)
    out = min(a.out_gb_s * a.out_efficiency, b.out_gb_s * b.out_efficiency)
    alpha = np.where(inside, a.up_alpha_s, max(a.out_alpha_s, b.out_alpha_s))
    return alpha, np.where(inside, a.up_gb_s * a.up_efficiency, out) * GIGA


def _whole_bytes(system: System, tokens: float) -> float:
    """KV of so many tokens, whole model."""
    stored = float(system.arch.stored_tokens(np.array([tokens]))[0])
    return stored * system.kv_token_bytes + tokens * system.index_kept_bytes


def _first_token(unit: Units, turns_s: Array) -> tuple[Array, Array]:
    """(TTFT at the percentile, share of time in which prefill works) at so many turns/s of one prefill copy."""
    system, work, slo, pool = unit.prefill_cell.system, unit.cell.workload, unit.cell.slo, unit.prefill
    each = turns_s / pool.dp
    busy, wait, variance = queue(system, each, each / work.turns_s, unit.first, np.zeros_like(each))
    serving = (unit.first.chunks + pool.pp - 1.0) * unit.first.chunk_s
    mean = wait + serving + transfer_s(unit, turns_s) + unit.at.reload
    return gamma_quantile(mean, variance + system.fit.prompt_cv2 * serving**2, slo.z), busy


def _sized(unit: Units, most: int, reserve: float) -> Units | None:
    """Units whose prefill copies are loaded as far as the TTFT allows, in the smallest whole ratio nearly the best."""
    work = unit.cell.workload
    limit = np.minimum(unit.cell.slo.ttft_s - reserve,
                       (1.0 - work.output_tokens_s * unit.at.tpot) / work.turns_s)
    low, high = np.zeros_like(limit), unit.prefill.dp / unit.first.busy_s
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        keeps = _first_token(unit, middle)[0] <= limit
        low, high = np.where(keeps, middle, low), np.where(keeps, high, middle)
    able = low > 0
    if not able.any():
        return None
    unit, low, limit = unit.take(able), low[able], limit[able]
    unit = _in_whole_copies(unit, work.turns_s * unit.instances / low, most)
    ttft, busy = _first_token(unit, work.turns_s * unit.instances * unit.decode_copies / unit.prefill_copies)
    unit = replace(unit, ttft=ttft, busy=busy)
    kept = (ttft <= limit) & (unit.accelerators <= most)
    return unit.take(kept) if kept.any() else None


def _in_whole_copies(unit: Units, ratio: Array, most: int) -> Units:
    """The smallest whole numbers of copies near a ratio of prefill to decode copies."""
    decode = np.arange(1.0, FEW + 1.0)[:, None]
    prefill_copies = np.ceil(decode * ratio[None, :] - NEARLY * NEARLY)
    prefill_copies = np.maximum(prefill_copies, 1.0)
    size = prefill_copies * unit.prefill.accelerators + decode * unit.decode.layout.accelerators
    worth = np.where(size <= most, decode / size, 0.0)
    chosen = (worth >= (1.0 - NEARLY) * worth.max(axis=0)).argmax(axis=0)
    at = np.arange(len(ratio))
    return replace(unit, decode_copies=decode[chosen, 0], prefill_copies=prefill_copies[chosen, at])


def columns(unit: Units, rows: NDArray[np.intp], weights: str, kv: str) -> Columns:
    """The chosen units: an array for each of FRONTIER_COLUMNS; the sharding in tp, pp, ep, dp is the decode copies'."""
    chosen = unit.take(rows)
    cell, layout, at, pool = chosen.cell, chosen.decode.layout, chosen.at, chosen.prefill
    work, per = cell.workload, chosen.rate
    limit = cell.pressure(chosen.decode, cell.load(chosen.decode, chosen.beyond)).argmax(axis=0)
    made = {
        **shape(layout), "accelerators": chosen.accelerators, "kv_home": np.where(chosen.decode.host, "host", "hbm"),
        "batch": at.in_flight, "instances": (chosen.instances * chosen.decode_copies).astype(np.int64),
        "instances_per_accelerator": per, "ttft_s": chosen.ttft, "tpot_s": at.tpot,
        "memory_gb": (held_bytes(cell.system, layout) + at.kv_bytes) / GIB,
        "output_tokens_s_per_accelerator": per * work.branches * work.output_tokens_s,
        "fresh_tokens_s_per_accelerator": per * work.fresh_tokens_s, "power_w_per_accelerator": chosen.power_w(),
        "utilisation": chosen.mean(utilisation(layout, at), chosen.busy),
        "rtt_slack_s": cell.slo.ttft_s - chosen.ttft, "limited_by": np.array(LIMITS)[limit],
        "mode": "disaggregated", "weights": weights, "kv": kv, **split(layout),
        "decode_copies": chosen.decode_copies.astype(np.int64),
        "prefill_copies": chosen.prefill_copies.astype(np.int64),
        "prefill_on": chosen.prefill_cell.system.accelerator.id,
        **{f"prefill_{name}": values for name, values in {**shape(pool), **split(pool)}.items()},
        "prefill_accelerators": chosen.prefill_accelerators,
    }  # fmt: skip
    return {name: np.broadcast_to(made[name], per.shape) for name in FRONTIER_COLUMNS}
