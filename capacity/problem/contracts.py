"""Contracts for accelerators: terms reserved in the cloud, minimum orders, takes agreed on, export rules, vendors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from capacity.problem.costs import COLUMNS, whole
from capacity.problem.money import discount, grown, held
from capacity.problem.pods import Pod
from capacity.problem.supply import TERM, limit_row
from capacity.problem.world import HOURS_PER_YEAR, World
from capacity.scenario import by_year

Limits = list[tuple[dict[str, Any], pd.DataFrame]]


def reservations(world: World, designs: list[Pod]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(table reservations, cost rows): paid in each year of the term, at the price of the year of signing."""
    first = {p.accelerator.id: p.id for p in reversed(designs)}
    rows = []
    for i, offer in enumerate(world.scenario.reservations):
        asset = first[world.catalogue.accelerator(offer.accelerator).id]
        for year in world.years:
            if year < (offer.first or year) or year > (offer.last or year):
                continue
            most = offer.max_count if isinstance(offer.max_count, float | int) else by_year(offer.max_count, year)
            price = offer.price * offer.price_growth ** (year - world.scenario.money.price_year)
            name = f"{offer.term} years ({i + 1})"
            rows.append((offer.site, asset, name, year, offer.term, most / 1000, price * HOURS_PER_YEAR * 1000 / 1e6))
    if not rows:
        return {}, pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame(rows, columns=["place", "asset", "contract", "period", "life", "max", "cash"])
    table["objective"] = 0.0
    for term, part in table.groupby("life"):
        counted = held(world.scenario, part["period"].to_numpy(dtype=float), float(str(term)))
        table.loc[part.index, "objective"] = part["cash"] * counted
    return {"reservations": table}, _yearly(world, table)


def _yearly(world: World, table: pd.DataFrame) -> pd.DataFrame:
    paid = table.merge(pd.DataFrame({"year": world.years}), how="cross")
    paid = paid[(paid["period"] <= paid["year"]) & (paid["year"] < paid["period"] + paid["life"])]
    now = discount(world.scenario, paid["year"].to_numpy(dtype=float))
    named = paid.assign(variable="reserve", item=paid["asset"], slice=paid["contract"], topic="reserved", kind="opex")
    return whole(named.assign(objective=paid["cash"] * now))[COLUMNS]


def _sales(tables: Mapping[str, pd.DataFrame], designs: list[Pod], world: World) -> pd.DataFrame:
    """Terms of what is bought: thousand accelerators per pod, with the accelerator, its vendor and the country."""
    pods = pd.DataFrame(
        [(p.id, p.accelerator.id, p.accelerator.vendor, p.size / 1000) for p in designs],
        columns=["asset", "accelerator", "vendor", "coefficient"],
    )
    country = {s.id: s.country for s in world.sites}
    cells = tables["asset_cells"].merge(pods, on="asset")
    return cells.assign(variable="bought", item=cells["asset"], period=cells["vintage"],
                        country=cells["place"].map(country))


def orders(
    world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables orders and order_terms, cost rows): none of an accelerator in a year, or at least its minimum."""
    sales = _sales(tables, designs, world)
    heads, terms = [], []
    years = np.array(world.years, dtype=float)
    inflation = grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    for name, given in world.scenario.accelerators.items():
        if given is None or (given.minimum_order is None and not given.order_cost):
            continue
        card = world.catalogue.accelerator(name)
        for year, factor in zip(world.years, inflation, strict=True):
            rows = sales[(sales["accelerator"] == card.id) & (sales["period"] == year)]
            if len(rows):
                cash = given.order_cost / 1e6 * float(factor)
                order = f"{card.id} {year}"
                heads.append((order, year, (given.minimum_order or 0.0) / 1000, cash))
                terms.append(rows.assign(order=order, period2=0, slice="")[["order", *TERM[1:]]])
    if not heads:
        return {}, pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame(heads, columns=["order", "period", "least", "cash"])
    table["objective"] = table["cash"] * discount(world.scenario, table["period"].to_numpy(dtype=float))
    paid = table.assign(variable="ordered", place=table["order"], topic="orders", kind="capex", year=table["period"])
    tables = {"orders": table, "order_terms": pd.concat(terms, ignore_index=True)}
    return tables, whole(paid.assign(period=0))[COLUMNS]


def contract_limits(world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]) -> Limits:
    """What must be taken under contract, what export rules leave, and vendors' largest shares of the fleet."""
    sales = _sales(tables, designs, world)
    return [*_taken(world, sales), *_exports(world, sales), *_vendor_shares(world, designs, tables),
            *_packaging(world, designs, sales)]


def _taken(world: World, sales: pd.DataFrame) -> Limits:
    out = []
    for name, given in world.scenario.accelerators.items():
        card = world.catalogue.accelerator(name)
        for year, count in given.contract.items() if given is not None else ():
            rows = sales[(sales["accelerator"] == card.id) & (sales["period"] == year)]
            out.append(limit_row(f"{card.id} contract", year, count / 1000, rows, ">="))
    return out


def _exports(world: World, sales: pd.DataFrame) -> Limits:
    out = []
    for i, rule in enumerate(world.scenario.exports):
        names = {world.catalogue.accelerator(a).id for a in rule.accelerators}
        under = sales[sales["accelerator"].isin(names) & sales["country"].isin(rule.countries)]
        for year in world.years:
            rows = under[under["period"] == year]
            if len(rows) and (rule.first or year) <= year <= (rule.last or year):
                out.append(limit_row("export rule", year, rule.most / 1000, rows, name=f"export rule {i + 1} {year}"))
    return out


def _vendor_shares(world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]) -> Limits:
    """Accelerators of a vendor in service against its share of all in service."""
    pods = pd.DataFrame([(p.id, p.accelerator.vendor, p.size / 1000) for p in designs],
                        columns=["asset", "vendor", "size"])
    cells = ["place", "asset", "vintage", "life"]
    both = pd.concat([tables["asset_cells"][cells], tables["committed"][cells]])
    held_ = both.groupby(cells[:3], as_index=False, sort=False)[["life"]].max().merge(pods, on="asset")
    out = []
    for vendor, share in world.scenario.supply.vendor_share.items():
        weight = held_["size"] * ((held_["vendor"] == vendor).astype(float) - share)
        terms = held_.assign(variable="alive", item=held_["asset"], period=held_["vintage"], coefficient=weight)
        for year in world.years:
            now = terms[(terms["vintage"] <= year) & (year < terms["vintage"] + terms["life"])]
            if len(now):
                out.append(limit_row(f"{vendor} share", year, 0.0, now.assign(period2=year)))
    return out


def _packaging(world: World, designs: list[Pod], sales: pd.DataFrame) -> Limits:
    given = world.scenario.supply.packaging
    if given is None:
        return []
    known = world.catalogue.table("packaging").set_index("accelerator")["wafer_share"]
    by_bandwidth = world.catalogue.constant("packaging_wafer_share_per_gb_s")
    share = {
        p.id: float(known.get(p.accelerator.id, by_bandwidth * p.accelerator.memory_bandwidth_gb_s)) * p.size
        for p in designs
    }
    wafers = sales.assign(coefficient=sales["asset"].map(share))
    return [
        limit_row("packaging supply", year, by_year(given, year), wafers[wafers["period"] == year])
        for year in world.years if (wafers["period"] == year).any()
    ]
