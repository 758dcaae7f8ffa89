"""Pod designs: what is bought. Accelerator x scale-up domain x fabric x size, with power, price, and cells by site."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect
from capacity.network import domain_price, fabric_design, interconnect
from capacity.problem.halls import POWER, rack_mw, resource_above, thresholds
from capacity.problem.money import charged, discount, financing, grown
from capacity.problem.world import HOURS_PER_YEAR, World


@dataclass(frozen=True)
class Pod:
    """One pod design. `it_mw` is nameplate IT power of the whole pod."""

    id: str
    accelerator: Accelerator
    fabric: str
    size: int
    it_mw: float
    fabric_usd: float
    """Scale-out fabric, per accelerator; with what another scale-up domain costs more than the accelerator's own."""
    interconnect: Interconnect
    sold: range


def pods(world: World) -> list[Pod]:
    """Every pod design that is sold, rented or already there."""
    asked = world.scenario.pods
    offers = product(world.accelerators, asked.fabrics, (asked.size, *asked.sizes), (0.0, *asked.domains))
    found: dict[str, Pod] = {}
    for pod in (_pod(world, *offer) for offer in offers):
        if pod is not None:
            found.setdefault(pod.id, pod)
    return list(found.values())


def _pod(world: World, name: str, fabric: str, asked: float, wanted: float) -> Pod | None:
    """One design; none for a domain (0: the accelerator's own) that is its own, outgrows the pod or has no switches."""
    card = own = world.accelerators[name]
    domain_usd = 0.0
    if wanted:
        extra = domain_price(world.catalogue, own, int(wanted))
        if extra is None or wanted == own.scale_up_domain or wanted > asked:
            return None
        card, domain_usd = replace(own, scale_up_domain=int(wanted)), extra
    domain = max(1, card.scale_up_domain)
    size = int(math.ceil(asked / domain) * domain) if domain <= asked else int(asked)
    design = fabric_design(world.catalogue, fabric, card, size)
    choice = world.scenario.pods
    marks = {fabric: len(choice.fabrics) > 1, f"{size}": len(choice.sizes) > 0,
             f"domain {domain}": len(choice.domains) > 0}
    return Pod(
        id="/".join([card.id, *(mark for mark, told in marks.items() if told)]),
        accelerator=card,
        fabric=fabric,
        size=size,
        it_mw=size * card.it_power_w / 1e6,
        fabric_usd=design.price_usd_per_accelerator + domain_usd,
        interconnect=interconnect(world.catalogue, card, design),
        sold=world.sold(name),
    )


def prices(world: World, designs: list[Pod]) -> pd.DataFrame:
    """Nominal price (million USD) of one pod by design and year: columns asset, vintage, chips, fabric, cash."""
    inflation = 1 + world.scenario.money.general_inflation
    rows = []
    for pod in designs:
        years = np.array(world.years, dtype=float)
        chips = np.array([world.price_usd(pod.accelerator.id, y) for y in world.years]) * pod.size / 1e6
        fabric = pod.fabric_usd * grown(world.scenario, years, inflation) * pod.size / 1e6
        rows.append(pd.DataFrame({"asset": pod.id, "vintage": world.years, "chips": chips, "fabric": fabric}))
    table = pd.concat(rows, ignore_index=True)
    table["cash"] = table["chips"] + table["fabric"]
    years = table["vintage"].to_numpy(dtype=float)
    table["chips_due"] = table["chips"] * financing(world.scenario, "accelerators", years)
    table["due"] = table["chips_due"] + table["fabric"] * financing(world.scenario, "fabric", years)
    return table


def assets(world: World, designs: list[Pod], estate: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables assets, asset_cells, committed, upkeep, asset_uses, rentals; `estate` has `blocks` and `block_cells`."""
    price = prices(world, designs)
    spare = 1 - world.scenario.pods.spare_share
    table = pd.DataFrame({"asset": [p.id for p in designs], "unit_size": [p.size * spare / 1000 for p in designs]})
    uses = pd.DataFrame({"asset": [p.id for p in designs], "resource": POWER, "amount": [p.it_mw for p in designs]})
    dense = pd.DataFrame(
        [(p.id, resource_above(t), p.it_mw) for t in thresholds(world) for p in designs
         if rack_mw(world, p.accelerator) > t],
        columns=["asset", "resource", "amount"],
    )
    return {
        "assets": table,
        "asset_uses": pd.concat([uses, dense]) if len(dense) else uses,
        "asset_cells": _cells(world, designs, price, estate),
        "committed": _committed(world, designs),
        "upkeep": _upkeep(world, price),
        "rentals": _rentals(world, designs),
    }


def _room(world: World, estate: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """(place, vintage, mw): IT MW that could stand at a place in a year, all kinds of blocks together."""
    blocks = estate["blocks"][estate["blocks"]["resource"] == POWER]
    grid = blocks.merge(pd.DataFrame({"period": world.years}), how="cross")
    grid = grid.merge(estate["block_cells"][["place", "block", "period", "max_total"]], how="left")
    most = grid[["existing", "max_total"]].max(axis=1)
    grid = grid.assign(vintage=grid["period"], mw=most * grid["capacity"])
    return grid.groupby(["place", "vintage"], as_index=False)[["mw"]].sum()


def _cells(world: World, designs: list[Pod], price: pd.DataFrame, estate: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Purchases on offer at each site: from the year power can stand there, bounded by the power it can ever have."""
    sold = pd.DataFrame([(p.id, y, p.it_mw) for p in designs for y in p.sold], columns=["asset", "vintage", "it_mw"])
    table = sold.merge(_room(world, estate), on="vintage")
    table["max"] = np.floor(table["mw"] / table["it_mw"] + 1e-9)
    table = table[table["max"] > 0].merge(price[["asset", "vintage", "cash", "due"]], on=["asset", "vintage"])
    table["life"] = table["asset"].map({p.id: life_of(world, p) for p in designs}).astype(int)
    table["objective"] = 0.0
    for life, rows in table.groupby("life"):
        each = charged(world.scenario, rows["vintage"].to_numpy(dtype=float), float(str(life)))
        table.loc[rows.index, "objective"] = rows["due"] * each
    return table[["place", "asset", "vintage", "max", "objective", "cash", "life"]]


def life_of(world: World, pod: Pod) -> int:
    """Years in service of a pod."""
    return world.life(pod.accelerator.id)


def _committed(world: World, designs: list[Pod]) -> pd.DataFrame:
    first = {p.accelerator.id: p for p in reversed(designs)}
    rows = [
        (
            e.site,
            first[world.catalogue.accelerator(e.accelerator).id].id,
            e.entered,
            e.count / first[world.catalogue.accelerator(e.accelerator).id].size,
            life_of(world, first[world.catalogue.accelerator(e.accelerator).id]),
        )
        for e in world.scenario.existing
    ]
    table = pd.DataFrame(rows, columns=["place", "asset", "vintage", "count", "life"])
    return table.groupby(["place", "asset", "vintage", "life"], as_index=False)[["count"]].sum()


def _upkeep(world: World, price: pd.DataFrame) -> pd.DataFrame:
    sites = pd.DataFrame({"place": [s.id for s in world.sites]})
    table = price.rename(columns={"vintage": "period"}).merge(sites, how="cross")
    table["cash"] = table["cash"] * world.scenario.money.upkeep_share
    table["objective"] = table["cash"] * discount(world.scenario, table["period"].to_numpy(dtype=float))
    return table[["place", "asset", "period", "objective", "cash"]]


def _rentals(world: World, designs: list[Pod]) -> pd.DataFrame:
    from capacity.scenario import by_year

    first = {p.accelerator.id: p.id for p in reversed(designs)}
    rows = []
    for offer in world.scenario.rentals:
        asset = first[world.catalogue.accelerator(offer.accelerator).id]
        for year in world.years:
            if year < (offer.first or year) or year > (offer.last or year):
                continue
            most = offer.max_count if isinstance(offer.max_count, float | int) else by_year(offer.max_count, year)
            growth = offer.price_growth ** (year - world.scenario.money.price_year)
            rows.append((offer.site, asset, year, most / 1000, offer.price * growth * HOURS_PER_YEAR * 1000 / 1e6))
    table = pd.DataFrame(rows, columns=["place", "asset", "period", "max", "cash"])
    table["objective"] = table["cash"] * discount(world.scenario, table["period"].to_numpy(dtype=float))
    return table
