"""How much each plan can carry: the largest load within the SLO, for all plans at once.

Every limit fills as the load grows, so the largest load is the root of the fullest limit. It is bracketed and found by
Chandrupatla's rule (1997, Advances in Engineering Software 28:145), which takes a step of inverse quadratic
interpolation where the curve allows it and halves the bracket where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.serving.architecture import Array, Rows
from capacity.serving.load import Load, instances_of, step_s
from capacity.serving.memory import kv_sequence_bytes
from capacity.serving.passes import tokens_per_round
from capacity.serving.plans import Candidates, Cell

STEPS = 13
"""Most evaluations of a root; halving alone would leave a five-hundredth of the bracket's decades."""
HALF, EDGE = 0.5, 0.1
NEAR = 0.002
"""Width of the bracket of the logarithm of the load at which a plan counts as sized."""
SETTLING = 2
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Sized:
    """Plans at their largest load within the SLO, a whole number of instances, and just beyond it."""

    plans: Candidates
    instances: Array
    at: Load
    beyond: Array
    """Sequences in flight at which a limit is exceeded."""

    def take(self, rows: Rows) -> Sized:
        """The plans at an index or mask."""
        return Sized(self.plans.take(rows), self.instances[rows], self.at.take(rows), self.beyond[rows])

    def slack(self, cell: Cell) -> Array:
        """Round trip each plan can bear."""
        return cell.slo.ttft_s - self.at.ttft


def largest_loads(cell: Cell, plans: Candidates) -> Sized:
    """Each plan that keeps the SLO with at least one instance, at its largest load."""
    low = least_in_flight(cell, plans)
    full = _fullest(cell, plans, low)
    able = np.flatnonzero(full <= 1.0)
    plans, low, full = plans.take(able), low[able], full[able]
    high = np.maximum(low, in_flight_bound(cell, plans))
    low, high = _bracket(cell, plans, low, high, full)
    reached = instances_of(cell.system, plans.layout, cell.workload, plans.prefill, low)
    whole = np.floor(reached * (1.0 + TOLERANCE))
    some = np.flatnonzero(whole >= 1.0)
    plans, whole, high = plans.take(some), whole[some], high[some]
    low = low[some] * whole / reached[some]
    for _ in range(SETTLING):
        low = low * whole / instances_of(cell.system, plans.layout, cell.workload, plans.prefill, low)
    return Sized(plans, whole, cell.load(plans, low), high)


def _fullest(cell: Cell, plans: Candidates, in_flight: Array) -> Array:
    """How full the fullest limit of each plan is."""
    return np.asarray(cell.pressure(plans, cell.load(plans, in_flight)).max(axis=0))


def _bracket(cell: Cell, plans: Candidates, low: Array, high: Array, full: Array) -> tuple[Array, Array]:
    """The largest load known to keep every limit and the least known to break one, per plan.

    `full`: how full the fullest limit is at `low`. Works on logarithms; an infinite limit (saturation) halves the
    bracket. What is found is laid aside, so that the last steps touch few plans.
    """
    kept, broken = np.log(low), np.log(high)
    open_ = np.arange(len(low))
    near, far, at_near, at_far = broken, kept, np.full_like(low, np.inf), np.log(full)
    step = np.full_like(low, HALF)
    for _ in range(STEPS):
        wide = np.flatnonzero(broken[open_] - kept[open_] >= NEAR)
        if len(wide) < len(open_):
            plans, open_ = plans.take(wide), open_[wide]
            near, far, at_near, at_far, step = (x[wide] for x in (near, far, at_near, at_far, step))
        if not len(open_):
            break
        here = near + step * (far - near)
        with np.errstate(divide="ignore"):
            value = np.log(_fullest(cell, plans, np.exp(here)))
        keeps = value <= 0.0
        kept[open_[keeps]], broken[open_[~keeps]] = here[keeps], here[~keeps]
        same = keeps == (at_near <= 0.0)
        third, at_third = np.where(same, near, far), np.where(same, at_near, at_far)
        far, at_far = np.where(same, far, near), np.where(same, at_far, at_near)
        near, at_near = here, value
        step = _step(near, far, third, at_near, at_far, at_third)
    return np.exp(kept), np.exp(broken)


def _step(near: Array, far: Array, third: Array, at_near: Array, at_far: Array, at_third: Array) -> Array:
    """Where between near and far to look next: inverse quadratic interpolation where it is safe, else the secant.

    The secant is kept from the ends of the bracket; where a limit is infinite at one of them, the middle is taken.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        xi, phi = (near - far) / (third - far), (at_near - at_far) / (at_third - at_far)
        safe = (phi**2 < xi) & ((1.0 - phi) ** 2 < 1.0 - xi)
        curve = at_near / (at_far - at_near) * at_third / (at_far - at_third)
        curve = curve + (third - near) / (far - near) * at_near / (at_third - at_near) * at_far / (at_third - at_far)
        secant = np.clip(at_near / (at_near - at_far), EDGE, 1.0 - EDGE)
        edge = np.minimum(HALF, NEAR / 2.0 / np.abs(far - near))
        line = np.where(np.isfinite(at_near) & np.isfinite(at_far), secant, HALF)
    return np.where(safe & np.isfinite(curve), np.clip(curve, edge, 1.0 - edge), line)


def least_in_flight(cell: Cell, plans: Candidates) -> Array:
    """Sequences in flight of just under one instance: B = branches o t, without its own prefill."""
    work = cell.workload
    alone = step_s(cell.system, plans.layout, np.zeros(len(plans)), np.full(len(plans), work.context_mean))
    return work.branches * work.output_tokens_s * alone / tokens_per_round(cell.system)


def in_flight_bound(cell: Cell, plans: Candidates) -> Array:
    """An upper bound on sequences in flight: the sessions that memory holds, each with all branches decoding."""
    tokens = np.full(len(plans), cell.workload.kv_tokens(cell.workload.context_mean))
    held = plans.room / kv_sequence_bytes(cell.system, plans.layout, tokens)
    return np.asarray(np.maximum(held, 1.0) * cell.workload.branches * plans.layout.dp)
