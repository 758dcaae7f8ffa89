"""Power of an accelerator under load: an idle share, and a dynamic one by phase."""

from __future__ import annotations

import numpy as np

from capacity.serving.architecture import Array
from capacity.serving.load import Load
from capacity.serving.system import Layout, System


def decode_share(layout: Layout, at: Load) -> Array:
    """Share of time spent decoding: what prefill leaves, while a sequence is in flight on the rank (Poisson).

    An accelerator shared by several copies decodes while any of them does.
    """
    ranks = layout.pp * layout.dp * np.minimum(layout.tp, 1.0)
    return np.asarray((1.0 - at.prefill_share) * -np.expm1(-at.in_flight / ranks))


def utilisation(layout: Layout, at: Load) -> Array:
    """Share of time in which an accelerator has work."""
    return at.prefill_share + decode_share(layout, at)


def power_w(system: System, layout: Layout, at: Load) -> Array:
    """Mean watts per accelerator, all-in IT power: idle + busy share x (phase - idle)."""
    fit = system.fit
    decoding = decode_share(layout, at) * (fit.decode_power - fit.idle_power)
    prefilling = at.prefill_share * (fit.prefill_power - fit.idle_power)
    return np.asarray(system.accelerator.it_power_w * (fit.idle_power + decoding + prefilling))
