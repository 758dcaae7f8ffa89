"""Halls: what kinds of phases a site may have, which racks they take, and what the grid lets stand when."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, Site
from capacity.problem.world import World

BLOCK = "phase"
POWER = "power"


@dataclass(frozen=True)
class HallType:
    """One kind of phase: its name as a block, the densest rack it takes (IT MW), and what differs from the site."""

    name: str
    max_rack_mw: float = math.inf
    cost_factor: float = 1.0
    pue_peak: float | None = None
    lead_months: float = 0.0
    max_per_year: int | None = None


def hall_types(world: World) -> list[HallType]:
    """The kinds of the scenario; one that takes any rack where it names none."""
    return [
        HallType(name, h.max_rack, h.cost_factor, h.pue_peak, h.lead_time, h.max_per_year)
        for name, h in world.scenario.phases.types.items()
    ] or [HallType(BLOCK)]


def phase_mw(world: World) -> float:
    """Facility MW of one phase."""
    return world.scenario.phases.size


def it_mw(world: World, site: Site, hall: HallType) -> float:
    """IT MW that one phase carries: facility MW over the peak PUE."""
    return phase_mw(world) / (hall.pue_peak or site.pue_peak)


def site_limit(world: World, site: Site) -> float:
    """Facility MW this plan may ever have at a site."""
    return min(site.grid_limit_mw, world.scenario.phases.site_limit or site.grid_limit_mw)


def grid_mw(world: World, site: Site, years: np.ndarray, first: float) -> np.ndarray:
    """Facility MW of the grid connection in each year: as stated, else what exists and the ramp from `first` on."""
    given = world.scenario.sites[site.id]
    if given is not None and given.grid is not None:
        known = sorted(given.grid)
        last = np.searchsorted(known, years, side="right") - 1
        held = np.where(last >= 0, [given.grid[known[max(i, 0)]] for i in last], 0.0)
        return np.minimum(site_limit(world, site), held)
    ramp = site.existing_mw + site.grid_ramp_mw * np.maximum(years - first + 1, 0)
    return np.asarray(np.minimum(site_limit(world, site), ramp))


def rack_mw(world: World, card: Accelerator) -> float:
    """IT MW of the rack that an accelerator comes in: those that must share one, times its all-in power."""
    racks = world.catalogue.table("racks").set_index("accelerator")["accelerators"]
    together = float(racks[card.id]) if card.id in racks.index else min(
        float(card.scale_up_domain), world.catalogue.constant("rack_accelerators"))
    return max(together, 1.0) * card.it_power_w / 1e6


def thresholds(world: World) -> list[float]:
    """Rack densities that some halls take and others do not, ascending; empty where halls do not differ."""
    dense = {h.max_rack_mw for h in hall_types(world)} | {
        math.inf if lease.max_rack is None else lease.max_rack for lease in world.scenario.leases
    }
    return sorted(dense)[:-1]


def resource_above(threshold: float) -> str:
    """Resource of halls that take racks denser than this many IT MW."""
    return f"racks above {threshold * 1e3:g} kW"


def further_resources(world: World, blocks: pd.DataFrame, max_rack: dict[str, float]) -> pd.DataFrame:
    """Table block_resources: what each block (`capacity` in IT MW) gives to racks above each threshold.

    Racks denser than t may use halls that take more than t only; with one such resource for every t a plan can be
    carried exactly where each is kept (nested sets, Hall's condition).
    """
    rows = [
        (place, block, resource_above(t), capacity)
        for place, block, capacity in blocks[["place", "block", "capacity"]].itertuples(index=False, name=None)
        for t in thresholds(world) if max_rack.get(block, 0.0) > t
    ]
    return pd.DataFrame(rows, columns=["place", "block", "resource", "amount"])
