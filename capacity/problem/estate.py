"""What may stand at a site beside its own phases: halls leased from landlords, generation and storage of its own.

Each is a kind of block: whole, bought or signed for in a year, in service for its life.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Site
from capacity.problem.costs import COLUMNS, whole
from capacity.problem.halls import POWER, further_resources, grid_mw, hall_types, phase_mw
from capacity.problem.money import charged, discount, grown, held
from capacity.problem.places import first_year
from capacity.problem.supply import limit_row
from capacity.problem.world import World
from capacity.scenario.options import Lease, OnSite

ONSITE = "power on site"
"""Resource of generation and storage: no asset stands in it."""
SITE_POWER = "power of "
"""How the topic of a site's limit begins, before its name."""


def with_estate(world: World, tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(blocks, block_cells, block_resources with leases and power on site; their cost rows of `costs.COLUMNS`)."""
    made = [_lease(world, i, lease) for i, lease in enumerate(world.scenario.leases)]
    made += [_onsite(world, name, offer, site) for name, offer in world.scenario.onsite.items()
             for site in world.sites if not offer.sites or site.id in offer.sites]
    made = [m for m in made if len(m[1])]
    if not made:
        return {}, pd.DataFrame(columns=COLUMNS)
    leased = pd.concat([m[0] for m in made])
    racks = {lease_name(i, lease): np.inf if lease.max_rack is None else lease.max_rack
             for i, lease in enumerate(world.scenario.leases)}
    own = tables["block_resources"]
    further = further_resources(world, leased[leased["resource"] == POWER], racks)
    grown_tables = {
        "blocks": pd.concat([tables["blocks"], leased], ignore_index=True),
        "block_cells": pd.concat([tables["block_cells"], *(m[1] for m in made)], ignore_index=True),
        "block_resources": pd.concat([own, further], ignore_index=True) if len(further) else own,
    }
    costs = pd.concat([m[2] for m in made], ignore_index=True)
    return grown_tables, costs


def lease_name(i: int, lease: Lease) -> str:
    """Block of a lease: its term and place in the list."""
    return f"lease {i + 1} ({lease.term:g} years)"


def _lease(world: World, i: int, lease: Lease) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    site = world.site(lease.site)
    name, term = lease_name(i, lease), int(lease.term)
    years = np.array([y for y in world.years if (lease.first or y) <= y <= (lease.last or y)], dtype=float)
    rent = lease.price * lease.size / 1e6 * grown(world.scenario, years, lease.price_growth)
    most = np.array([lease.max_count * sum(y - term < v <= y for v in years) for y in years], dtype=float)
    blocks = pd.DataFrame({
        "place": [lease.site], "block": name, "resource": POWER, "capacity": lease.size / site.pue_peak, "life": term,
        "existing": 0.0,
    })
    cells = pd.DataFrame({
        "place": lease.site, "block": name, "period": years.astype(int), "max": float(lease.max_count),
        "max_total": most, "objective": rent * held(world.scenario, years, term), "cash": 0.0,
    })
    return blocks, cells, _yearly(world, cells.assign(each=rent), term, "lease")


def _yearly(world: World, cells: pd.DataFrame, life: float, topic: str) -> pd.DataFrame:
    """Cost rows of what is paid each year in service: `each` million USD per block."""
    rows = cells.merge(pd.DataFrame({"year": world.years}), how="cross")
    rows = rows[(rows["year"] >= rows["period"]) & (rows["year"] < rows["period"] + life)]
    now = discount(world.scenario, rows["year"].to_numpy(dtype=float))
    rows = rows.assign(variable="built", item=rows["block"], topic=topic, kind="opex", cash=rows["each"],
                       objective=rows["each"] * now)
    return whole(rows)[COLUMNS]


def _onsite(world: World, name: str, offer: OnSite, site: Site) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    years = np.array([y for y in world.years if y >= (offer.first or y)], dtype=float)
    inflation = grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    price, upkeep = (each * offer.size / 1e6 * inflation for each in (offer.price, offer.upkeep))
    life = int(offer.life)
    bought = price * charged(world.scenario, years, life)
    blocks = pd.DataFrame({
        "place": [site.id], "block": name, "resource": ONSITE, "capacity": offer.size, "life": life, "existing": 0.0,
    })
    cells = pd.DataFrame({
        "place": site.id, "block": name, "period": years.astype(int), "max": float(offer.max_count),
        "max_total": offer.max_count * (years - years[:1] + 1),
        "objective": bought + upkeep * held(world.scenario, years, life), "cash": price,
    })
    capex = cells.assign(variable="built", item=name, topic=name, kind="capex", year=cells["period"], objective=bought)
    parts = [whole(capex)[COLUMNS], _yearly(world, cells.assign(each=upkeep), life, f"{name} upkeep")]
    return blocks, cells, pd.concat(parts, ignore_index=True)


def site_power_limits(
    world: World, tables: Mapping[str, pd.DataFrame]
) -> list[tuple[dict[str, object], pd.DataFrame]]:
    """Facility MW of all own halls of a site, less what power on site carries, against its grid: rows by year.

    None where a site has one kind of hall and no power of its own: its block cells say the same.
    """
    halls = [hall.name for hall in hall_types(world)]
    if len(halls) == 1 and not world.scenario.onsite:
        return []
    firm = {name: -offer.firm * offer.size for name, offer in world.scenario.onsite.items()}
    weight = {**dict.fromkeys(halls, phase_mw(world)), **firm}
    built = tables["block_cells"].merge(tables["blocks"][["place", "block", "life"]], on=["place", "block"])
    built = built[built["block"].isin(list(weight))]
    built = built.assign(coefficient=built["block"].map(weight), variable="built", item=built["block"])
    out = []
    for site in world.sites:
        rows = built[built["place"] == site.id]
        years = np.array(world.years, dtype=float)
        most = grid_mw(world, site, years, float(first_year(world, site))) - site.existing_mw
        for year, mw in zip(world.years, most, strict=True):
            now = rows[(rows["period"] <= year) & (year < rows["period"] + rows["life"])]
            if len(now):
                out.append(limit_row(f"{SITE_POWER}{site.id}", year, max(float(mw), 0.0), now))
    return out
