"""Sharding search: every legal plan of a copy in one table, sized to its SLO, reduced to the Pareto frontier.

Plans are TP x PP x EP x attention-DP x where the KV waits. For each the largest load within the SLO is found by
bisection over the sequences in flight, for all plans at once; throughput rises with them and so does every latency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving.architecture import Architecture, Array, Bools, Rows
from capacity.serving.calibration import Calibration
from capacity.serving.load import Load, Prefill, Slo, Workload, load, prefill, step_s
from capacity.serving.memory import activation_bytes, kv_room, kv_sequence_bytes, weight_bytes
from capacity.serving.power import power_w, utilisation
from capacity.serving.system import GIB, Layout, System, system

FRONTIER_COLUMNS = (
    "tp", "pp", "ep", "dp", "accelerators", "kv_home", "batch", "instances", "instances_per_accelerator", "ttft_s",
    "tpot_s", "memory_gb", "output_tokens_s_per_accelerator", "fresh_tokens_s_per_accelerator",
    "power_w_per_accelerator", "utilisation", "rtt_slack_s", "limited_by",
)

LIMITS = ("memory", "host_memory", "tpot", "ttft", "pace", "compute", "host_link")

BISECTIONS = 13
"""Halvings of the logarithm of the load, from a bound to within a five-hundredth at worst."""
SETTLING = 3
TOLERANCE = 1e-9
DISTINCT = 0.01
"""A plan stays on the frontier if it is better by this share in some respect than every smaller one kept."""


@dataclass(frozen=True)
class Candidates:
    """Plans under study: layout, where KV waits, the round trip held in reserve, prefill at zero load, KV room."""

    layout: Layout
    host: Bools
    reserve: Array
    prefill: Prefill
    room: Array

    def take(self, rows: Rows) -> Candidates:
        """The plans at an index or mask."""
        first = Prefill(self.prefill.chunks, self.prefill.chunk_s[rows])
        return Candidates(self.layout.take(rows), self.host[rows], self.reserve[rows], first, self.room[rows])

    def hold(self, reserve: float) -> Candidates:
        """The same plans with a round trip held in reserve."""
        return replace(self, reserve=np.full(len(self), reserve))

    def __len__(self) -> int:
        return len(self.host)


@dataclass(frozen=True)
class Cell:
    """One frontier's question."""

    system: System
    workload: Workload
    slo: Slo

    def load(self, plans: Candidates, in_flight: Array) -> Load:
        """Load of every plan with so many sequences in flight."""
        return load(self.system, plans.layout, plans.host, self.workload, self.slo, plans.prefill, in_flight)

    def pressure(self, plans: Candidates, at: Load) -> Array:
        """How full each limit is, one row per name of LIMITS; at most 1 when kept."""
        with np.errstate(divide="ignore", invalid="ignore"):
            memory = np.where(plans.room > 0, at.kv_bytes / plans.room, np.inf)
            limit = self.slo.ttft_s - plans.reserve
            ttft = np.where(limit > 0, at.ttft / limit, np.inf)
            host = at.host_bytes / max(self.system.host_bytes, 1.0)
        return np.stack([memory, host, at.tpot / self.slo.tpot_s, ttft, at.pace, at.queue, at.link])


def frontier(model: ModelCard, accelerator: Accelerator, interconnect: Interconnect, workload: Workload, slo: Slo, *,
             weights: str = "fp8", kv: str = "fp8", calibration: Calibration | None = None,
             max_accelerators: int = 4096) -> pd.DataFrame:
    """Pareto frontier of sharding plans, most instances per accelerator first; columns FRONTIER_COLUMNS.

    Kept are plans that no smaller copy equals within 1 % in instances per accelerator, power per instance and latency
    slack (counted up to the far reserve of the calibration). Times in seconds at the SLO's percentile; batch is
    the mean of sequences decoding in the copy. Empty where nothing fits: see `why_empty`. Raises InputError for unknown
    precisions.
    """
    resolved = system(model, accelerator, interconnect, weights=weights, kv=kv, calibration=calibration)
    cell = Cell(resolved, workload, slo)
    plans = candidates(cell, max_accelerators)
    plans = plans.take(plans.room > 0)
    sized = largest_loads(cell, plans)
    short = [(r, sized.slack(cell) < r) for r in reserves(cell)]
    tight = [largest_loads(cell, sized.plans.hold(r).take(lacking)) for r, lacking in short if lacking.any()]
    return _pareto(cell, pd.concat([_table(cell, s) for s in [sized, *tight]], ignore_index=True))


def reserves(cell: Cell) -> list[float]:
    """Latency headrooms at which plans are sized beside none."""
    fit = cell.system.fit
    return [r for r in (fit.rtt_reserve_near_s, fit.rtt_reserve_far_s) if r < cell.slo.ttft_s]


def candidates(cell: Cell, max_accelerators: int) -> Candidates:
    """Every legal plan x KV home, with no latency held in reserve."""
    system = cell.system
    base = Layout(*legal_plans(system.arch, system.links.domain, min(max_accelerators, system.links.reach)))
    first, room = prefill(system, base, cell.workload), kv_room(system, base)
    here = Candidates(base, np.zeros(len(room), dtype=bool), np.zeros(len(room)), first, room)
    if not (system.host_bytes and system.host_rate):
        return here
    both = here.take(np.tile(np.arange(len(room)), 2))
    return replace(both, host=np.arange(len(both)) >= len(room))


@lru_cache(maxsize=256)
def legal_plans(arch: Architecture, domain: int, most: int) -> tuple[Array, Array, Array, Array]:
    """(tp, pp, ep, dp) of every plan of at most `most` accelerators.

    tp: powers of two that divide the heads; pp: the fewest stages for each possible depth; dp (MoE only): powers of two
    and divisors of the domain; ep: the whole stage, or the attention-DP ranks with experts split over tp.
    """
    powers = 2 ** np.arange(0, 1 + int(np.log2(max(most, 1))))
    tps = powers[arch.heads % powers == 0]
    pps = np.unique(np.ceil(arch.layers / np.arange(1, arch.layers + 1)))
    pps = pps[pps <= most]
    dps = np.array([1])
    if arch.experts:
        divisors = np.arange(1, domain + 1)[domain % np.arange(1, domain + 1) == 0]
        dps = np.unique(np.concatenate([powers, divisors]))
        dps = dps[dps <= arch.experts]
    tp, pp, dp = (x.ravel().astype(float) for x in np.meshgrid(tps, pps, dps, indexing="ij"))
    keep = tp * pp * dp <= most
    tp, pp, dp = tp[keep], pp[keep], dp[keep]
    wide, narrow = np.minimum(tp * dp, max(arch.experts, 1)), dp
    ep = np.concatenate([wide if arch.experts else np.ones_like(tp), narrow])
    again = np.concatenate([np.ones(len(tp), dtype=bool), (wide != narrow) & bool(arch.experts)])
    legal = again & ((np.tile(tp * dp, 2) % ep) == 0)
    return np.tile(tp, 2)[legal], np.tile(pp, 2)[legal], ep[legal], np.tile(dp, 2)[legal]


@dataclass(frozen=True)
class Sized:
    """Plans at their largest load within the SLO, a whole number of instances, and what stops the next one."""

    plans: Candidates
    instances: Array
    at: Load
    limit: NDArray[np.intp]

    def slack(self, cell: Cell) -> Array:
        """Round trip each plan can bear."""
        return cell.slo.ttft_s - self.at.ttft


def largest_loads(cell: Cell, plans: Candidates) -> Sized:
    """Each plan that keeps the SLO with at least one instance, at its largest load."""
    low = least_in_flight(cell, plans)
    able = np.asarray((cell.pressure(plans, cell.load(plans, low)) <= 1.0).all(axis=0))
    plans, low = plans.take(able), low[able]
    high = np.maximum(low, in_flight_bound(cell, plans))
    for _ in range(BISECTIONS):
        middle = np.sqrt(low * high)
        kept = (cell.pressure(plans, cell.load(plans, middle)) <= 1.0).all(axis=0)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    limit = cell.pressure(plans, cell.load(plans, high)).argmax(axis=0)
    reached = cell.load(plans, low).instances
    whole = np.floor(reached * (1.0 + TOLERANCE))
    some = whole >= 1.0
    plans, low, whole = plans.take(some), low[some] * whole[some] / reached[some], whole[some]
    for _ in range(SETTLING):
        low = low * whole / cell.load(plans, low).instances
    return Sized(plans, whole, cell.load(plans, low), limit[some])


def least_in_flight(cell: Cell, plans: Candidates) -> Array:
    """Sequences in flight of just under one instance: B = branches o t, without its own prefill."""
    work = cell.workload
    alone = step_s(cell.system, plans.layout, np.zeros(len(plans)), np.full(len(plans), work.context_mean))
    return work.branches * work.output_tokens_s * alone


def in_flight_bound(cell: Cell, plans: Candidates) -> Array:
    """An upper bound on sequences in flight: the sessions that memory holds, each with all branches decoding."""
    tokens = np.full(len(plans), cell.workload.kv_tokens(cell.workload.context_mean))
    held = plans.room / kv_sequence_bytes(cell.system, plans.layout, tokens)
    return np.asarray(np.maximum(held, 1.0) * cell.workload.branches * plans.layout.dp)


def _table(cell: Cell, sized: Sized) -> pd.DataFrame:
    """Sized plans in the columns of a frontier."""
    plans, at, layout, work = sized.plans, sized.at, sized.plans.layout, cell.workload
    per = sized.instances / layout.accelerators
    memory = weight_bytes(cell.system, layout) + activation_bytes(cell.system, layout) + at.kv_bytes
    whole = {name: getattr(layout, name).astype(np.int64) for name in ("tp", "pp", "ep", "dp", "accelerators")}
    return pd.DataFrame({
        **whole, "kv_home": np.where(plans.host, "host", "hbm"), "batch": at.in_flight,
        "instances": sized.instances.astype(np.int64), "instances_per_accelerator": per,
        "ttft_s": at.ttft, "tpot_s": at.tpot,
        "memory_gb": memory / GIB, "output_tokens_s_per_accelerator": per * work.branches * work.output_tokens_s,
        "fresh_tokens_s_per_accelerator": per * work.fresh_tokens_s,
        "power_w_per_accelerator": power_w(cell.system, layout, at), "utilisation": utilisation(layout, at),
        "rtt_slack_s": sized.slack(cell), "limited_by": np.array(LIMITS)[sized.limit],
    }, columns=list(FRONTIER_COLUMNS))


def _pareto(cell: Cell, table: pd.DataFrame) -> pd.DataFrame:
    """Rows better than every smaller copy, by DISTINCT, in instances per accelerator, power or useful slack.

    So that of plans that are nearly tied the smallest copy stands. Most instances per accelerator first.
    """
    rate, size = table["instances_per_accelerator"].to_numpy(), table["accelerators"].to_numpy()
    useful = np.searchsorted(np.array(reserves(cell)), table["rtt_slack_s"].to_numpy(), side="right")
    power = table["power_w_per_accelerator"].to_numpy() / rate
    scores = np.stack([-rate, power, -useful])
    left = np.lexsort((power, -useful, -rate, size))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        bar = scores[:, [best]]
        left = left[(scores[:, left] < bar - DISTINCT * np.abs(bar)).any(axis=0)]
    chosen = np.array(kept, dtype=np.intp)
    return table.iloc[chosen[np.lexsort((size[chosen], -rate[chosen]))]].reset_index(drop=True)
