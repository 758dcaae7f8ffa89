"""Latency tiers: round trips grouped under thresholds, each counted at its tier's upper edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from capacity.errors import InputError

BEYOND = -1
"""The tier of a round trip above the last edge."""


def latency_tiers(rtt_ms: ArrayLike, edges_ms: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Tier of each round trip, and the round trip it counts with: its tier's upper edge, never below the true one.

    A round trip on an edge belongs to the tier below it. Above the last edge the tier is BEYOND and the round trip
    infinite: such a pair is not offered. Both results have the shape of `rtt_ms`. Raises InputError when the edges
    do not rise.
    """
    edges = np.asarray(edges_ms, dtype=float)
    if edges.ndim != 1 or not len(edges) or not np.all(np.diff(edges) > 0):
        raise InputError(f"latency tiers: the upper edges must rise, in ms, such as 20, 60, 120; "
                         f"given: {edges.tolist()}")
    tier = np.searchsorted(edges, np.asarray(rtt_ms, dtype=float), side="left")
    counted = np.append(edges, np.inf)[tier]
    return np.where(tier == len(edges), BEYOND, tier), counted


def feasible(rtt_ms: ArrayLike, slack_ms: ArrayLike, max_rtt_ms: ArrayLike = np.inf) -> NDArray[np.bool_]:
    """Whether a round trip fits into what serving leaves of the latency target, and under a hard limit; broadcasts."""
    rtt = np.asarray(rtt_ms, dtype=float)
    return np.asarray((rtt <= np.asarray(slack_ms, dtype=float)) & (rtt <= np.asarray(max_rtt_ms, dtype=float)))
