"""Sites and how they grow: places, openings, blocks of power."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Site
from capacity.problem.money import charged, discount, grown, held
from capacity.problem.world import World

BLOCK = "phase"
POWER = "power"


def places(world: World) -> dict[str, pd.DataFrame]:
    """Tables places (regions too), openings, blocks and block_cells of the sites. Money in million USD."""
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
                "block": BLOCK,
                "resource": POWER,
                "capacity": phase_mw(world) / s.pue_peak,
                "life": int(world.scenario.money.shell_life),
                "existing": s.existing_mw / phase_mw(world),
            }
            for s in sites
        ]
    )
    cells = pd.concat([_cells(world, s) for s in sites], ignore_index=True)
    openings = pd.concat([_openings(world, s) for s in sites if s.existing_mw == 0] or [pd.DataFrame()])
    return {"places": names, "openings": openings, "blocks": blocks, "block_cells": cells}


def phase_mw(world: World) -> float:
    """Facility MW of one phase."""
    return world.scenario.phases.size


def first_year(world: World, site: Site) -> int:
    """First year in which a new phase can enter service: the order date plus the lead time, or the site's own."""
    ordered = world.scenario.phases.orders_from or world.years[0]
    return max(site.earliest, ordered + math.ceil(site.lead_months / 12 - 1e-9), world.years[0])


def _years(world: World, site: Site) -> np.ndarray:
    return np.array([y for y in world.years if y >= first_year(world, site)], dtype=float)


def _site_limit(world: World, site: Site) -> float:
    """Facility MW this plan may ever have at a site."""
    return min(site.grid_limit_mw, world.scenario.phases.site_limit or site.grid_limit_mw)


def _openings(world: World, site: Site) -> pd.DataFrame:
    """Land and grid connection; the catalogue's price is for the whole grid limit, a smaller part costs its share."""
    years = _years(world, site)
    cash = (
        site.opening_musd
        * _site_limit(world, site)
        / max(site.grid_limit_mw, 1.0)
        * grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    )
    return pd.DataFrame(
        {
            "place": site.id,
            "period": years.astype(int),
            "objective": cash * charged(world.scenario, years, world.scenario.money.shell_life),
            "cash": cash,
        }
    )


def _cells(world: World, site: Site) -> pd.DataFrame:
    money, years = world.scenario.money, _years(world, site)
    size = phase_mw(world)
    shell = shell_cost(world, site, years)
    upkeep = money.shell_upkeep_share * shell
    total = np.minimum(_site_limit(world, site), site.existing_mw + site.grid_ramp_mw * (years - years[:1] + 1)) / size
    whole = np.floor(total - site.existing_mw / size + 1e-9)
    return pd.DataFrame(
        {
            "place": site.id,
            "block": BLOCK,
            "period": years.astype(int),
            "max": float(world.scenario.phases.max_per_year),
            "max_total": np.maximum(whole, 0) + site.existing_mw / size,
            "objective": shell * charged(world.scenario, years, money.shell_life)
            + upkeep * held(world.scenario, years, money.shell_life),
            "cash": shell,
        }
    )


def shell_cost(world: World, site: Site, years: np.ndarray) -> np.ndarray:
    """Nominal million USD of one phase entering service in each year: shell and MEP per MW of IT load it carries."""
    it_mw = phase_mw(world) / site.pue_peak
    return np.asarray(
        site.build_musd_per_mw * it_mw * grown(world.scenario, years, world.scenario.money.build_cost_growth)
    )


def shell_upkeep(world: World, cells: pd.DataFrame) -> pd.DataFrame:
    """Yearly nominal upkeep (million USD) of blocks: place, block, period built, year, cash, objective."""
    money = world.scenario.money
    rows = cells.merge(pd.DataFrame({"year": world.years}), how="cross")
    rows = rows[(rows["year"] >= rows["period"]) & (rows["year"] < rows["period"] + money.shell_life)].copy()
    rows["cash"] = money.shell_upkeep_share * rows["cash"]
    rows["objective"] = rows["cash"] * discount(world.scenario, rows["year"].to_numpy(dtype=float))
    return rows[["place", "block", "period", "year", "cash", "objective"]]
