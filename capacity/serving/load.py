"""A copy under load: what its users see at a percentile, as a fixed point, without simulation.

Notation, per attention-DP rank: n sessions, each r turns/s of f fresh tokens and m output tokens per branch.
Prefill is chunked into decode steps. A step of decode alone takes t(B); prefill takes the share rho = n r S of the time
(S: its busy time of the slowest stage per turn), so

    TPOT = t(B) / (1 - rho),   B = n * branches * o * TPOT   =>   n = B / (branches * o * t(B) + B * u),   u = rho / n

(Little's law), a closed form in B. The percentile of TPOT adds, in quadrature, the spread of B (binomial: a session is
in flight or not) and that of the prefill work falling into one answer (compound Poisson), at most a chunk in each step.
TTFT is the sojourn in an M/G/1 queue (Pollaczek-Khinchine, Takacs for the second moment) seen by one of n sessions;
its percentile by a gamma law of the same mean and variance (Wilson-Hilferty), exact for a fixed service and an empty
queue, within 1 % for M/M/1.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from capacity.serving.architecture import Array, Bools, Rows
from capacity.serving.memory import fetched_bytes, kv_sequence_bytes
from capacity.serving.passes import prefill_s, round_s, tokens_per_round
from capacity.serving.system import Layout, System
from capacity.serving.workload import P95, SECONDS_PER_HOUR, Slo, Workload

__all__ = [
    "SECONDS_PER_HOUR", "Load", "Prefill", "Slo", "Workload", "gamma_quantile", "instances_of", "load", "prefill",
    "queue", "step_s",
]


@dataclass(frozen=True)
class Prefill:
    """What a turn costs at zero load, and a session holds, per plan; both whatever the load."""

    chunks: float
    chunk_s: Array
    """Slowest stage, one chunk."""
    token_bytes: Array
    """KV bytes per accelerator of one token of a mean session."""
    prefix_bytes: Array
    """KV bytes per accelerator that a reload brings back."""
    host_rate: Array
    """Bytes/s of the host link of an accelerator alone."""
    shared_rate: Array
    """Bytes/s of each when all of a host read at once."""

    @property
    def busy_s(self) -> Array:
        """Busy time of the slowest stage per turn."""
        return self.chunks * self.chunk_s

    def latency_s(self, layout: Layout, step: Array) -> Array:
        """From the start of the first chunk to the end of the last stage, with a decode step beside each chunk."""
        return (self.chunks + layout.pp - 1.0) * (self.chunk_s + step / layout.pp)

    def take(self, rows: Rows) -> Prefill:
        """The plans at an index or mask."""
        return Prefill(self.chunks, self.chunk_s[rows], self.token_bytes[rows], self.prefix_bytes[rows],
                       self.host_rate[rows], self.shared_rate[rows])


def prefill(system: System, layout: Layout, workload: Workload) -> Prefill:
    """Prefill of the mean turn, in equal chunks."""
    fresh = workload.fresh_per_turn
    chunks = float(np.ceil(fresh / system.fit.chunk_tokens))
    tokens = np.full_like(layout.tp, fresh / chunks)
    context = np.full_like(layout.tp, workload.prefix + fresh / 2.0)
    mean = workload.kv_tokens(workload.context_mean)
    return Prefill(chunks, prefill_s(system, layout, tokens, context),
                   kv_sequence_bytes(system, layout, _tokens(layout, mean)) / mean,
                   kv_sequence_bytes(system, layout, _tokens(layout, workload.prefix)),
                   _tokens(layout, system.host_rate), _tokens(layout, system.shared_rate))


@dataclass(frozen=True)
class Load:
    """State of each plan at one load; arrays, one entry a plan. Times in seconds, bytes per accelerator."""

    in_flight: Array
    instances: Array
    tpot_mean: Array
    tpot: Array
    ttft_mean: Array
    ttft: Array
    prefill_share: Array
    queue: Array
    """Utilisation of prefill's slot in the steps; at 1 the queue grows without bound."""
    kv_bytes: Array
    host_bytes: Array
    link: Array
    """Utilisation of the host link by reloads."""
    reload: Array
    """Mean seconds to bring a session's KV back from host RAM."""
    pace: Array
    """Time an instance needs per second of its wall time; above 1 it falls behind its human."""

    def take(self, rows: Rows) -> Load:
        """The plans at an index or mask."""
        return Load(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def saturated(self) -> Bools:
        """True where prefill or the host link cannot keep up; times are infinite there."""
        return (self.queue >= 1.0) | (self.link >= 1.0)


def step_s(system: System, layout: Layout, in_flight: Array, context: Array) -> Array:
    """Round of decoding with `in_flight` sequences in the copy; the fullest attention-DP rank sets the pace."""
    own = in_flight / (layout.pp * layout.dp)
    own = own + system.fit.rank_imbalance * np.sqrt(2.0 * np.log(layout.dp) * own)
    return round_s(system, layout, np.maximum(own, 1.0), context)


def instances_of(system: System, layout: Layout, workload: Workload, first: Prefill, in_flight: Array) -> Array:
    """Instances that keep `in_flight` sequences decoding on average (Little's law)."""
    token = step_s(system, layout, in_flight, _tokens(layout, workload.context_mean)) / tokens_per_round(system)
    return _instances(layout, workload, first, in_flight, token)


def _instances(layout: Layout, workload: Workload, first: Prefill, in_flight: Array, token: Array) -> Array:
    unit = workload.turns_s * first.busy_s / layout.dp
    return in_flight / (workload.branches * workload.output_tokens_s * token + in_flight * unit)


def load(system: System, layout: Layout, host: Bools, workload: Workload, slo: Slo, first: Prefill,
         in_flight: Array) -> Load:
    """Load with `in_flight` sequences decoding on average; `host`: sessions wait in host RAM between turns."""
    branches, out, turns = workload.branches, workload.output_tokens_s, workload.turns_s
    each = tokens_per_round(system)
    step = step_s(system, layout, in_flight, _tokens(layout, workload.context_mean))
    instances = _instances(layout, workload, first, in_flight, step / each)
    share = instances * turns * first.busy_s / layout.dp
    tpot = step / each / (1.0 - share)
    tpot_p = tpot + _tpot_spread(system, layout, workload, slo, first, in_flight, step, tpot, share)
    rate = turns * instances / layout.dp
    full, wait, wait_var = queue(system, rate, instances / layout.dp, first, step / layout.pp)
    link, loading = _reload(system, layout, host, first, rate, step / layout.pp)
    serving = first.latency_s(layout, step)
    ttft = wait + serving + loading
    ttft_p = gamma_quantile(ttft, wait_var + system.fit.prompt_cv2 * serving**2, slo.z)
    present = np.where(host, in_flight / branches + turns * instances * (serving + loading), instances) / layout.dp
    kv_bytes, host_bytes = _kv_held(system, layout, workload, slo, first, present, instances)
    return Load(in_flight, instances, tpot, tpot_p, ttft, ttft_p, share, full, kv_bytes,
                np.where(host, host_bytes, 0.0), link, loading, turns * ttft + out * tpot)


def _reload(system: System, layout: Layout, host: Bools, first: Prefill, rate: Array,
            stage: Array) -> tuple[Array, Array]:
    """Utilisation of the host link, and seconds to bring one session's KV back; 0 where sessions stay in HBM.

    A reload alone runs at the link's own rate; all accelerators of a host together at what the host can read. Weights
    that stream over the same link take their share of it.
    """
    if not host.any():
        return np.zeros_like(stage), np.zeros_like(stage)
    link = np.where(host, rate * first.prefix_bytes / first.shared_rate, 0.0)
    if layout.stream is not None:
        streaming = fetched_bytes(system, layout) / (first.shared_rate * stage)
        link = np.where(host, link + streaming, 0.0)
    alone = np.where(host, first.prefix_bytes / first.host_rate, 0.0)
    return link, np.where(link < 1.0, alone * (1.0 + link / (2.0 * np.maximum(1.0 - link, 1e-9))), np.inf)


def _tokens(layout: Layout, tokens: float) -> Array:
    return np.full_like(layout.tp, tokens)


def _kv_held(system: System, layout: Layout, workload: Workload, slo: Slo, first: Prefill, present: Array,
             instances: Array) -> tuple[Array, Array]:
    """KV bytes in HBM at the percentile for `present` sessions a rank (at least one), and bytes in host RAM for all."""
    mean, tail = workload.kv_tokens(workload.context_mean), workload.kv_tokens(workload.context_p95)
    present = np.maximum(present, 1.0)
    tokens = present * mean + slo.z * (tail - mean) / P95 * np.sqrt(present)
    whole = system.arch.stored_tokens(np.asarray(mean)) * system.kv_token_bytes + mean * system.index_kept_bytes
    return first.token_bytes * tokens, np.asarray(instances * whole / layout.accelerators)


def _tpot_spread(system: System, layout: Layout, workload: Workload, slo: Slo, first: Prefill, in_flight: Array,
                 step: Array, tpot: Array, share: Array) -> Array:
    """What the percentile adds to the mean TPOT of an answer."""
    duty = np.minimum(workload.output_tokens_s * tpot, 1.0)
    crowd = in_flight + slo.z * np.sqrt(in_flight * (1.0 - duty))
    longer = workload.context_mean + slo.z * (workload.context_p95 - workload.context_mean) / P95 / np.sqrt(
        np.maximum(crowd / (layout.pp * layout.dp), 1.0))
    each = tokens_per_round(system)
    crowded = step_s(system, layout, crowd, longer) / each / (1.0 - share) - tpot
    answer = workload.output_per_turn * tpot
    more = share + slo.z * np.sqrt(share * first.busy_s * (1.0 + system.fit.prompt_cv2) / answer)
    every_step = (step + layout.pp * first.chunk_s) / each
    busier = np.where(more < 1.0, step / each / np.maximum(1.0 - more, 1e-9), np.inf)
    return np.asarray(np.sqrt(crowded**2 + np.maximum(np.minimum(busier, every_step) - tpot, 0.0) ** 2))


def queue(system: System, rate: Array, sessions: Array, first: Prefill, step: Array) -> tuple[Array, Array, Array]:
    """Utilisation, mean and variance of the wait for prefill: M/G/1, arrivals from the other sessions only."""
    cv2 = system.fit.prompt_cv2
    service = first.chunks * (first.chunk_s + step)
    queue = rate * service
    others = rate * np.maximum(sessions - 1.0, 0.0) / np.maximum(sessions, 1.0)
    idle = np.maximum(1.0 - others * service, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = others * service**2 * (1.0 + cv2) / (2.0 * idle)
        variance = wait**2 + others * service**3 * (1.0 + cv2) * (1.0 + 2.0 * cv2) / (3.0 * idle)
    full = queue >= 1.0
    return queue, np.where(full, np.inf, wait), np.where(full, np.inf, variance)


def gamma_quantile(mean: Array, variance: Array, z: float) -> Array:
    """Quantile of a gamma law by Wilson-Hilferty (1931)."""
    with np.errstate(invalid="ignore"):
        spread = variance / (9.0 * mean**2)
        value = mean * (1.0 - spread + z * np.sqrt(spread)) ** 3
    return np.where(np.isfinite(mean) & np.isfinite(variance), np.maximum(value, mean), np.inf)


