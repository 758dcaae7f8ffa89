"""Sites and how they grow: places, openings, blocks of power."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Site
from capacity.problem.halls import (
    BLOCK,
    POWER,
    HallType,
    further_resources,
    grid_mw,
    hall_types,
    it_mw,
    phase_mw,
    site_limit,
)
from capacity.problem.money import charged, discount, financing, grown, held
from capacity.problem.world import World

__all__ = ["BLOCK", "POWER", "first_year", "may_close", "phase_mw", "places", "shell_cost", "shell_upkeep"]


def places(world: World) -> dict[str, pd.DataFrame]:
    """Tables places (regions too), openings, blocks, block_cells and block_resources. Money in million USD."""
    sites = world.sites
    names = pd.DataFrame(
        {
            "place": [s.id for s in sites] + [r.id for r in world.regions],
            "kind": ["site"] * len(sites) + ["region"] * len(world.regions),
        }
    )
    blocks = pd.DataFrame(
        [
            {
                "place": s.id,
                "block": hall.name,
                "resource": POWER,
                "capacity": it_mw(world, s, hall),
                "life": int(world.scenario.money.shell_life),
                "existing": s.existing_mw / phase_mw(world) if i == 0 else 0.0,
            }
            for s in sites
            for i, hall in enumerate(hall_types(world))
        ]
    )
    cells = pd.concat([_cells(world, s, h, i == 0) for s in sites for i, h in enumerate(hall_types(world))],
                      ignore_index=True)
    openings = pd.concat([_openings(world, s) for s in sites if s.existing_mw == 0] or [pd.DataFrame()])
    racks = {hall.name: hall.max_rack_mw for hall in hall_types(world)}
    return {
        "places": names, "openings": openings, "blocks": blocks, "block_cells": cells,
        "block_resources": further_resources(world, blocks, racks),
    }


def first_year(world: World, site: Site) -> int:
    """First year in which a new phase can enter service: the order date plus the lead time, or the site's own."""
    ordered = world.scenario.phases.orders_from or world.years[0]
    return max(site.earliest, ordered + math.ceil(site.lead_months / 12 - 1e-9), world.years[0])


def _years(world: World, site: Site, later_months: float = 0.0) -> np.ndarray:
    first = first_year(world, site) + math.ceil(later_months / 12 - 1e-9)
    return np.array([y for y in world.years if y >= first], dtype=float)


def may_close(world: World, site: Site) -> bool:
    """Whether a site may be given up: the scenario states what holding it costs."""
    given = world.scenario.sites[site.id]
    return given is not None and given.holding_cost is not None


def _openings(world: World, site: Site) -> pd.DataFrame:
    """Land and grid connection; the catalogue's price is for the whole grid limit, a smaller part costs its share."""
    years = _years(world, site)
    cash = (
        site.opening_musd
        * site_limit(world, site)
        / max(site.grid_limit_mw, 1.0)
        * grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    )
    return pd.DataFrame(
        {
            "place": site.id,
            "period": years.astype(int),
            "objective": cash * charged(world.scenario, years, world.scenario.money.shell_life)
            * financing(world.scenario, "opening", years),
            "cash": cash,
        }
    )


def _cells(world: World, site: Site, hall: HallType, holds_existing: bool) -> pd.DataFrame:
    money, years = world.scenario.money, _years(world, site, hall.lead_months)
    size = phase_mw(world)
    shell = shell_cost(world, site, years, hall)
    upkeep = money.shell_upkeep_share * shell * (not may_close(world, site))
    bridged = len(world.scenario.onsite) > 0
    grid = np.full(len(years), site_limit(world, site)) if bridged else grid_mw(
        world, site, years, float(first_year(world, site)))
    existing = site.existing_mw / size
    whole = np.floor(grid / size - existing + 1e-9)
    per_year = world.scenario.phases.max_per_year if hall.max_per_year is None else hall.max_per_year
    return pd.DataFrame(
        {
            "place": site.id,
            "block": hall.name,
            "period": years.astype(int),
            "max": float(per_year),
            "max_total": np.maximum(whole, 0) + (existing if holds_existing else 0.0),
            "objective": shell * charged(world.scenario, years, money.shell_life)
            * financing(world.scenario, "shell", years)
            + upkeep * held(world.scenario, years, money.shell_life),
            "cash": shell,
        }
    )


def shell_cost(world: World, site: Site, years: np.ndarray, hall: HallType) -> np.ndarray:
    """Nominal million USD of one phase entering service in each year: shell and MEP per MW of IT load it carries."""
    price = site.build_musd_per_mw * hall.cost_factor * it_mw(world, site, hall)
    return np.asarray(price * grown(world.scenario, years, world.scenario.money.build_cost_growth))


def shell_upkeep(world: World, cells: pd.DataFrame) -> pd.DataFrame:
    """Yearly nominal upkeep (million USD) of blocks: place, block, period built, year, cash, objective."""
    money = world.scenario.money
    kept = [s.id for s in world.sites if may_close(world, s)]
    rows = cells[~cells["place"].isin(kept)].merge(pd.DataFrame({"year": world.years}), how="cross")
    rows = rows[(rows["year"] >= rows["period"]) & (rows["year"] < rows["period"] + money.shell_life)].copy()
    rows["cash"] = money.shell_upkeep_share * rows["cash"]
    rows["objective"] = rows["cash"] * discount(world.scenario, rows["year"].to_numpy(dtype=float))
    return rows[["place", "block", "period", "year", "cash", "objective"]]
