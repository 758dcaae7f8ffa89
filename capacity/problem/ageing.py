"""Accelerators that grow old: failures that outgrow their spares, and what a used one is sold for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.problem.costs import COLUMNS, whole
from capacity.problem.money import annuity_due, discount
from capacity.problem.pods import Pod, life_of
from capacity.problem.world import HOURS_PER_YEAR, World


def ageing(world: World, designs: list[Pod]) -> pd.DataFrame:
    """Table ageing: share of a pod's usable amount that serves at each age, and the factor of its upkeep.

    Out of service at age a: failures x growth^a x repair time (Little's law). Spares stand in for them first:
    serving = min(1, (1 - out) / (1 - spare share)).
    """
    given = world.scenario.pods.failures
    if given is None:
        return pd.DataFrame(columns=["asset", "age", "serving", "upkeep"])
    rate = given.per_year
    if rate is None:
        rate = world.catalogue.constant("accelerator_failures_per_year")
    rows = []
    for pod in designs:
        age = np.arange(life_of(world, pod))
        worse = given.growth**age
        out = np.minimum(rate * worse * given.repair_time / HOURS_PER_YEAR, 1.0)
        serving = np.minimum((1 - out) / (1 - world.scenario.pods.spare_share), 1.0)
        rows.append(pd.DataFrame({"asset": pod.id, "age": age, "serving": serving, "upkeep": worse}))
    return pd.concat(rows, ignore_index=True)


def used_value(world: World, accelerator: str, vintage: int, year: int) -> float:
    """USD for a used accelerator sold in `year`: its age's share of the lower of its own price and a new one's.

    Below replacement by construction, so that buying in order to sell never pays.
    """
    rule = world.scenario.money.resale
    floor, factor = 0.0, rule
    if rule == "catalogue":
        row = world.catalogue.row("price_trends", "resale")
        level = {"low": "_low", "mid": "", "high": "_high"}[world.scenario.money.price_level]
        factor, floor = float(row[f"factor_per_year{level}"]), float(row[f"floor_share{level}"])
    if factor is None:
        return 0.0
    share = min(max(float(factor) ** (year - vintage), floor), 1.0)
    new = [world.price_usd(accelerator, y) for y in (vintage, year) if world.has_price(accelerator, y)]
    return share * min(new) if new else 0.0


def resale(
    world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(table resale, cost rows): what a pod of each vintage brings when it leaves before its life ends.

    With the horizon's credit the objective counts a sale as the purchase is counted: as an annuity over the life that
    remains, of which only the years inside the horizon were to be charged.
    """
    if world.scenario.money.resale is None:
        return {}, pd.DataFrame(columns=COLUMNS)
    of = {p.id: p for p in designs}
    cells = ["place", "asset", "vintage", "life"]
    held = pd.concat([tables["asset_cells"][cells], tables["committed"][cells]]).drop_duplicates(cells[:3])
    sales = held.merge(pd.DataFrame({"period": world.years[1:]}), how="cross")
    sales = sales[(sales["vintage"] < sales["period"]) & (sales["period"] < sales["vintage"] + sales["life"])]
    kinds = sales[["asset", "vintage", "period", "life"]].drop_duplicates()
    priced = [
        used_value(world, of[k].accelerator.id, int(v), int(y)) * of[k].size / 1e6
        for k, v, y, _ in kinds.itertuples(index=False, name=None)
    ]
    counted = [_counted(world, int(v), int(y), int(n)) for _, v, y, n in kinds.itertuples(index=False, name=None)]
    kinds = kinds.assign(cash=priced, objective=np.array(priced) * counted)
    sales = sales.merge(kinds, on=["asset", "vintage", "period", "life"])
    table = sales[["place", "asset", "vintage", "period", "objective", "cash"]].reset_index(drop=True)
    return {"resale": table}, _cost_rows(table)


def _counted(world: World, vintage: int, year: int, life: int) -> float:
    """Discounted objective per unit of proceeds of a sale in `year`."""
    if not world.scenario.money.horizon_credit:
        return float(discount(world.scenario, np.array([year], dtype=float))[0])
    end = vintage + life
    years = np.arange(year, min(end, world.years[-1] + 1), dtype=float)
    each = annuity_due(world.scenario.money.discount_rate, end - year)
    return each * float(discount(world.scenario, years).sum())


def _cost_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Proceeds on what served the year before, taken back for what still serves."""
    named = table.assign(variable="alive", item=table["asset"], topic="resale", kind="capex", year=table["period"],
                         period=table["vintage"], period2=table["period"])
    left = named.assign(period2=named["period2"] - 1, cash=-named["cash"], objective=-named["objective"])
    return whole(pd.concat([left, named], ignore_index=True))[COLUMNS]
