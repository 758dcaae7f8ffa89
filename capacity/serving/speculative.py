"""Speculative decoding: a draft proposes, one step of the model verifies.

With k drafted tokens each accepted with probability a, a step yields (1 - a^(k+1)) / (1 - a) tokens on average
(Leviathan, Kalman & Matias 2023, arXiv 2211.17192, eq. 1). The verifying step computes k + 1 tokens a sequence and
reads each sequence's KV once; the draft is either a model of its own on the same accelerators, or stated as a share of
the model's own step, weights and KV (heads on the model's last layer, multi-token prediction).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.catalogue.cards import ModelCard
from capacity.errors import InputError
from capacity.serving.architecture import Array


@dataclass(frozen=True)
class Speculation:
    """How far ahead is drafted, how often a drafted token is accepted, and by whom it is drafted.

    Either `model`, or `cost`: what drafting one token takes, as a share of the model's own decode step. Raises
    InputError where both or neither are given, or a number is out of range.
    """

    drafted: int
    acceptance: float
    cost: float | None = None
    model: ModelCard | None = None

    def __post_init__(self) -> None:
        accepted_tokens(self.drafted, self.acceptance)
        if self.drafted < 1:
            raise InputError(f"speculation: drafted must be 1 or more, got {self.drafted}")
        if (self.cost is None) == (self.model is None):
            raise InputError("speculation: give a draft model or its cost as a share of the model's step, one of them")
        if self.cost is not None and not 0.0 <= self.cost <= 1.0:
            raise InputError(f"speculation: the draft's cost is a share of the model's step, 0 to 1, got {self.cost}")


def accepted_tokens(drafted: int, acceptance: float) -> float:
    """Mean tokens per verification step, the model's own one included: between 1 and drafted + 1."""
    if drafted < 0 or not 0.0 <= acceptance <= 1.0:
        raise InputError(f"speculative: need drafted >= 0 and acceptance in 0..1, got {drafted}, {acceptance}")
    return float(sum(acceptance**i for i in range(drafted + 1)))


def speculative_tpot_s(verify_s: Array, draft_s: float | Array, drafted: int, acceptance: float) -> Array:
    """Time per output token: verify_s is a step over drafted + 1 tokens per sequence, draft_s one drafted token."""
    return np.asarray((verify_s + drafted * np.asarray(draft_s)) / accepted_tokens(drafted, acceptance))
