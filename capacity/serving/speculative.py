"""Speculative decoding: a draft proposes, one step of the model verifies.

With k drafted tokens each accepted with probability a, a step yields (1 - a^(k+1)) / (1 - a) tokens on average
(Leviathan, Kalman & Matias 2023, arXiv 2211.17192, eq. 1).
"""

from __future__ import annotations

import numpy as np

from capacity.errors import InputError
from capacity.serving.architecture import Array


def accepted_tokens(drafted: int, acceptance: float) -> float:
    """Mean tokens per verification step, the model's own one included: between 1 and drafted + 1."""
    if drafted < 0 or not 0.0 <= acceptance <= 1.0:
        raise InputError(f"speculative: need drafted >= 0 and acceptance in 0..1, got {drafted}, {acceptance}")
    return float(sum(acceptance**i for i in range(drafted + 1)))


def speculative_tpot_s(verify_s: Array, draft_s: float | Array, drafted: int, acceptance: float) -> Array:
    """Time per output token: verify_s is a step over drafted + 1 tokens per sequence, draft_s one drafted token."""
    return np.asarray((verify_s + drafted * np.asarray(draft_s)) / accepted_tokens(drafted, acceptance))
