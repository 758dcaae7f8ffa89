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

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from capacity.errors import InputError
from capacity.scenario.schema import ServiceClass
from capacity.serving.architecture import Array, Bools
from capacity.serving.memory import kv_sequence_bytes
from capacity.serving.step import chunk_s, decode_s
from capacity.serving.system import Layout, System

SECONDS_PER_HOUR = 3600.0
P95 = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True)
class Workload:
    """What one instance does at its speed. Rates per second of wall time; each branch writes output_tokens_s."""

    output_tokens_s: float
    fresh_tokens_s: float
    cached_tokens_s: float
    context_mean: float
    context_p95: float
    turns_s: float
    branches: float = 1.0

    def __post_init__(self) -> None:
        for name in ("output_tokens_s", "context_mean", "turns_s", "branches"):
            if not getattr(self, name) > 0:
                raise InputError(f"workload: {name} must be above 0, got {getattr(self, name)}")
        for name in ("fresh_tokens_s", "cached_tokens_s"):
            if not getattr(self, name) >= 0:
                raise InputError(f"workload: {name} must not be negative, got {getattr(self, name)}")
        if self.context_p95 < self.context_mean:
            raise InputError(f"workload: context_p95 {self.context_p95} is below context_mean {self.context_mean}")

    @classmethod
    def of(cls, service_class: ServiceClass) -> Workload:
        """Tokens per human-hour / 3600 x speed; context_p95 defaults to twice the mean."""
        rate = service_class.speed / SECONDS_PER_HOUR
        p95 = service_class.context_p95 or 2.0 * service_class.context_mean
        return cls(service_class.output_tokens * rate, service_class.fresh_input_tokens * rate,
                   service_class.cached_input_tokens * rate, service_class.context_mean, p95,
                   service_class.turns * rate, service_class.branches)

    @cached_property
    def fresh_per_turn(self) -> float:
        """Tokens prefilled per turn; at least the one that starts it."""
        return max(self.fresh_tokens_s / self.turns_s, 1.0)

    @cached_property
    def output_per_turn(self) -> float:
        """Tokens each branch writes per turn."""
        return self.output_tokens_s / self.turns_s

    @cached_property
    def prefix(self) -> float:
        """Tokens already in the cache that a turn's prefill attends to, and that a reload brings back."""
        return max(self.context_mean - self.fresh_per_turn, self.cached_tokens_s / self.turns_s, 0.0)

    def kv_tokens(self, context: float) -> float:
        """Tokens of KV a session keeps: its context, and each further branch's own answer."""
        return context + (self.branches - 1.0) * self.output_per_turn


@dataclass(frozen=True)
class Slo:
    """Limits that hold at a percentile of requests: time to first token, time per output token."""

    ttft_s: float
    tpot_s: float
    percentile: float = 0.95

    def __post_init__(self) -> None:
        if not (self.ttft_s > 0 and self.tpot_s > 0 and 0 < self.percentile < 1):
            raise InputError(f"slo: ttft_s and tpot_s must be above 0 and percentile within 0..1, got {self}")

    @cached_property
    def z(self) -> float:
        """Standard normal quantile, not below the median."""
        return max(NormalDist().inv_cdf(self.percentile), 0.0)


@dataclass(frozen=True)
class Prefill:
    """Prefill of one turn at zero load, per plan."""

    chunks: float
    chunk_s: Array
    """Slowest stage, one chunk."""

    @property
    def busy_s(self) -> Array:
        """Busy time of the slowest stage per turn."""
        return self.chunks * self.chunk_s

    def latency_s(self, layout: Layout, step: Array) -> Array:
        """From the start of the first chunk to the end of the last stage, with a decode step beside each chunk."""
        return (self.chunks + layout.pp - 1.0) * (self.chunk_s + step / layout.pp)


def prefill(system: System, layout: Layout, workload: Workload) -> Prefill:
    """Prefill of the mean turn, in equal chunks."""
    fresh = workload.fresh_per_turn
    chunks = float(np.ceil(fresh / system.fit.chunk_tokens))
    tokens = np.full_like(layout.tp, fresh / chunks)
    context = np.full_like(layout.tp, workload.prefix + fresh / 2.0)
    return Prefill(chunks, chunk_s(system, layout, tokens, context))


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
    pace: Array
    """Time an instance needs per second of its wall time; above 1 it falls behind its human."""

    @property
    def saturated(self) -> Bools:
        """True where prefill or the host link cannot keep up; times are infinite there."""
        return (self.queue >= 1.0) | (self.link >= 1.0)


def step_s(system: System, layout: Layout, in_flight: Array, context: Array) -> Array:
    """Decode step with `in_flight` sequences in the copy; the fullest attention-DP rank sets the pace."""
    own = in_flight / (layout.pp * layout.dp)
    own = own + system.fit.rank_imbalance * np.sqrt(2.0 * np.log(layout.dp) * own)
    return decode_s(system, layout, np.maximum(own, 1.0), context)


def load(system: System, layout: Layout, host: Bools, workload: Workload, slo: Slo, first: Prefill,
         in_flight: Array) -> Load:
    """Load with `in_flight` sequences decoding on average; `host`: sessions wait in host RAM between turns."""
    branches, out, turns = workload.branches, workload.output_tokens_s, workload.turns_s
    step = step_s(system, layout, in_flight, _tokens(layout, workload.context_mean))
    unit = turns * first.busy_s / layout.dp
    instances = in_flight / (branches * out * step + in_flight * unit)
    share = instances * unit
    tpot = step / (1.0 - share)
    tpot_p = tpot + _tpot_spread(system, layout, workload, slo, first, in_flight, step, tpot, share)
    rate = turns * instances / layout.dp
    reload_s = _reload_s(system, layout, host, workload)
    queue, wait, wait_var = _queue(system, rate, instances / layout.dp, first, step / layout.pp)
    link = rate * reload_s
    loading = np.where(link < 1.0, reload_s * (1.0 + link / (2.0 * np.maximum(1.0 - link, 1e-9))), np.inf)
    serving = first.latency_s(layout, step)
    ttft = wait + serving + loading
    ttft_p = _gamma_quantile(ttft, wait_var + system.fit.prompt_cv2 * serving**2, slo.z)
    present = np.where(host, in_flight / branches + turns * instances * (serving + loading), instances) / layout.dp
    kv_bytes, host_bytes = _kv_held(system, layout, workload, slo, present, instances)
    return Load(in_flight, instances, tpot, tpot_p, ttft, ttft_p, share, queue, kv_bytes,
                np.where(host, host_bytes, 0.0), link, turns * ttft + out * tpot)


def _reload_s(system: System, layout: Layout, host: Bools, workload: Workload) -> Array:
    """Seconds to bring one session's KV back over the host links of its accelerators; 0 where it stays in HBM."""
    if not host.any():
        return np.zeros_like(layout.tp)
    held = kv_sequence_bytes(system, layout, _tokens(layout, workload.prefix))
    return np.where(host, held / system.host_rate, 0.0)


def _tokens(layout: Layout, tokens: float) -> Array:
    return np.full_like(layout.tp, tokens)


def _kv_held(system: System, layout: Layout, workload: Workload, slo: Slo, present: Array,
             instances: Array) -> tuple[Array, Array]:
    """KV bytes in HBM at the percentile for `present` sessions a rank (at least one), and bytes in host RAM for all."""
    mean, tail = workload.kv_tokens(workload.context_mean), workload.kv_tokens(workload.context_p95)
    present = np.maximum(present, 1.0)
    tokens = present * mean + slo.z * (tail - mean) / P95 * np.sqrt(present)
    own = kv_sequence_bytes(system, layout, _tokens(layout, mean)) / mean
    whole = system.arch.stored_tokens(np.asarray(mean)) * system.kv_token_bytes + mean * system.index_kept_bytes
    return own * tokens, np.asarray(instances * whole / layout.accelerators)


def _tpot_spread(system: System, layout: Layout, workload: Workload, slo: Slo, first: Prefill, in_flight: Array,
                 step: Array, tpot: Array, share: Array) -> Array:
    """What the percentile adds to the mean TPOT of an answer."""
    duty = np.minimum(workload.output_tokens_s * tpot, 1.0)
    crowd = in_flight + slo.z * np.sqrt(in_flight * (1.0 - duty))
    longer = workload.context_mean + slo.z * (workload.context_p95 - workload.context_mean) / P95 / np.sqrt(
        np.maximum(crowd / (layout.pp * layout.dp), 1.0))
    crowded = step_s(system, layout, crowd, longer) / (1.0 - share) - tpot
    answer = workload.output_per_turn * tpot
    more = share + slo.z * np.sqrt(share * first.busy_s * (1.0 + system.fit.prompt_cv2) / answer)
    every_step = step + layout.pp * first.chunk_s
    busier = np.where(more < 1.0, step / np.maximum(1.0 - more, 1e-9), np.inf)
    return np.asarray(np.sqrt(crowded**2 + np.maximum(np.minimum(busier, every_step) - tpot, 0.0) ** 2))


def _queue(system: System, rate: Array, sessions: Array, first: Prefill, step: Array) -> tuple[Array, Array, Array]:
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


def _gamma_quantile(mean: Array, variance: Array, z: float) -> Array:
    """Quantile of a gamma law by Wilson-Hilferty (1931)."""
    with np.errstate(invalid="ignore"):
        spread = variance / (9.0 * mean**2)
        value = mean * (1.0 - spread + z * np.sqrt(spread)) ** 3
    return np.where(np.isfinite(mean) & np.isfinite(variance), np.maximum(value, mean), np.inf)


