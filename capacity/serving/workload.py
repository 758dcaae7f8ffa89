"""What is asked of a copy: the work of one instance, and the limits within which it must be answered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

from capacity.errors import InputError
from capacity.scenario.schema import ServiceClass

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

    @cached_property
    def own_context(self) -> float:
        """Tokens of a branch's context that no other branch shares: on average half of its answer."""
        return min(self.output_per_turn / 2.0, self.context_mean)


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
