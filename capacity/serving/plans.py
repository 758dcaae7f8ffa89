"""Every legal plan of a copy: TP x PP x EP x attention-DP x part of an accelerator x streamed weights x KV home."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from capacity.serving.architecture import Architecture, Array, Bools, Rows
from capacity.serving.load import Load, Prefill, load, prefill
from capacity.serving.memory import kv_room, waiting_bytes
from capacity.serving.modes import Modes
from capacity.serving.system import Layout, Stream, System
from capacity.serving.workload import Slo, Workload

LIMITS = ("memory", "host_memory", "tpot", "ttft", "pace", "compute", "host_link")
STREAMED = (0.25, 0.5, 0.75, 1.0)
"""Shares of the layers that a plan may stream."""


@dataclass(frozen=True)
class Candidates:
    """Plans under study: layout, where KV waits, the round trip held in reserve, prefill at zero load, KV room."""

    layout: Layout
    host: Bools
    reserve: Array
    prefill: Prefill
    room: Array
    host_room: Array
    """Bytes of host RAM for each accelerator."""
    member: NDArray[np.intp]
    """Of plans of several systems in one table, whose they are."""

    @classmethod
    def of(cls, system: System, layout: Layout, host: Bools, first: Prefill, room: Array) -> Candidates:
        """Plans of one system, with no round trip held in reserve."""
        none = np.zeros(len(room))
        return cls(layout, host, none, first, room, none + system.host_bytes, np.zeros(len(room), dtype=np.intp))

    def take(self, rows: Rows) -> Candidates:
        """The plans at an index or mask."""
        return Candidates(self.layout.take(rows), self.host[rows], self.reserve[rows], self.prefill.take(rows),
                          self.room[rows], self.host_room[rows], self.member[rows])

    def hold(self, reserve: Array) -> Candidates:
        """The same plans with a round trip held in reserve."""
        return replace(self, reserve=reserve)

    def __len__(self) -> int:
        return len(self.host)


@dataclass(frozen=True)
class Cell:
    """One frontier's question."""

    system: System
    workload: Workload
    slo: Slo
    modes: Modes = field(default_factory=Modes)
    alike: System | None = None
    """Another system that takes the same load in the same way, with whose plans these were worked out in one table."""

    def load(self, plans: Candidates, in_flight: Array) -> Load:
        """Load of every plan with so many sequences in flight."""
        system = self.alike or self.system
        return load(system, plans.layout, plans.host, self.workload, self.slo, plans.prefill, in_flight)

    def pressure(self, plans: Candidates, at: Load) -> Array:
        """How full each limit is, one row per name of LIMITS; at most 1 when kept."""
        with np.errstate(divide="ignore", invalid="ignore"):
            memory = np.where(plans.room > 0, at.kv_bytes / plans.room, np.inf)
            limit = self.slo.ttft_s - plans.reserve
            ttft = np.where(limit > 0, at.ttft / limit, np.inf)
        host = self.host_bytes(plans, at) / np.maximum(plans.host_room, 1.0)
        return np.stack([memory, host, at.tpot / self.slo.tpot_s, ttft, at.pace, at.queue, at.link])

    def host_bytes(self, plans: Candidates, at: Load) -> Array:
        """Host RAM per accelerator that sessions and streamed weights take."""
        return at.host_bytes + waiting_bytes(self.system, plans.layout)


def candidates(cell: Cell, max_accelerators: int) -> Candidates:
    """Every legal plan x KV home, with no latency held in reserve."""
    system, modes = cell.system, cell.modes
    base = layouts(system, modes, max_accelerators)
    first, room = prefill(system, base, cell.workload), kv_room(system, base)
    here = Candidates.of(system, base, np.zeros(len(room), dtype=bool), first, room)
    if not (modes.kv_offload and system.host_bytes and system.host_rate):
        return here
    both = here.take(np.tile(np.arange(len(room)), 2))
    return replace(both, host=np.arange(len(both)) >= len(room))


def layouts(system: System, modes: Modes, most: int) -> Layout:
    """Plans of whole accelerators, of parts of one, and of either with streamed weights; and where a draft runs."""
    made = _layouts(system, modes, min(most, system.links.reach))
    return made if system.draft is None else replace(made, draft=system.draft.layout(made))


def _layouts(system: System, modes: Modes, most: int) -> Layout:
    tp, pp, ep, dp = legal_plans(system.arch, system.links.domain, most)
    parts = 1.0 / 2.0 ** np.arange(1, np.log2(modes.parts) + 1)
    if len(parts):
        one = np.ones_like(parts)
        tp, pp, ep, dp = (np.concatenate(pair) for pair in ((tp, parts), (pp, one), (ep, one), (dp, one)))
    sources = [s for s in modes.streaming if fetching(system, s)[0] > 0]
    if not sources:
        return Layout(tp, pp, ep, dp)
    ways = [("", 0.0), *((source, share) for source in sources for share in STREAMED)]
    count = len(tp)
    stream = streams(system, modes, [source for source, _ in ways for _ in range(count)],
                     np.repeat([share for _, share in ways], count))
    tp, pp, ep, dp = (np.tile(axis, len(ways)) for axis in (tp, pp, ep, dp))
    return Layout(tp, pp, ep, dp, stream=stream)


def streams(system: System, modes: Modes, sources: list[str], share: Array) -> Stream:
    """Streaming of each plan: where its weights come from (`host`, `nvme` or nothing) and the share of its layers."""
    rate, latency = np.array([fetching(system, source) for source in sources]).T
    return Stream(share, rate, latency, float(modes.lookahead), np.array(sources) == "host")


def fetching(system: System, source: str) -> tuple[float, float]:
    """Bytes/s per accelerator when every accelerator of a host fetches from a source, and the latency of a fetch."""
    host = system.accelerator.host
    if source == "host":
        return system.shared_rate, 0.0 if host is None else host.link_latency_s
    if source == "nvme":
        return system.nvme_rate, 0.0 if host is None else host.nvme_latency_s
    return 1.0, 0.0


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
