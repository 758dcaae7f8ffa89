"""Sites that may be given up: what holding them costs by the year, the upkeep of halls kept there, what they bring."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Site
from capacity.errors import InputError
from capacity.problem.costs import COLUMNS, whole
from capacity.problem.halls import hall_types
from capacity.problem.money import charged, discount, grown
from capacity.problem.places import may_close, shell_cost
from capacity.problem.world import World


def closing(world: World, tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables holdings, block_upkeep and sales, cost rows) of sites with a `holding_cost`; nothing where none has.

    Upkeep is charged at the price of building in the year it is paid, so that it does not ask when a hall was built. A
    sale counts in the objective as an opening of its year would: by the annuities inside the horizon, with its credit.
    Raises InputError for a sale that brings more than the site costs to open.
    """
    years = np.array(world.years, dtype=float)
    now = discount(world.scenario, years)
    inflation = grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    holdings, kept, sales = [], [], []
    for site in world.sites:
        given = world.scenario.sites[site.id]
        if given is None or given.holding_cost is None or not may_close(world, site):
            continue
        cash = given.holding_cost / 1e6 * inflation
        holdings.append(pd.DataFrame({"place": site.id, "period": world.years, "objective": cash * now, "cash": cash}))
        if given.sale_value is not None:
            sales.append(_sale(world, site, given.sale_value / 1e6 * inflation, tables["openings"]))
        for hall in hall_types(world):
            each = world.scenario.money.shell_upkeep_share * shell_cost(world, site, years, hall)
            kept.append(pd.DataFrame({
                "place": site.id, "block": hall.name, "period": world.years, "objective": each * now, "cash": each}))
    if not holdings:
        return {}, pd.DataFrame(columns=COLUMNS)
    tables = {"holdings": pd.concat(holdings, ignore_index=True), "block_upkeep": pd.concat(kept, ignore_index=True)}
    held = tables["holdings"].assign(variable="held", topic="holding")
    blocks = tables["block_upkeep"].assign(variable="kept", item=tables["block_upkeep"]["block"], topic="shell upkeep")
    rows = [whole(part.assign(kind="opex", year=part["period"]))[COLUMNS] for part in (held, blocks)]
    if sales:
        table = tables["sales"] = pd.concat(sales, ignore_index=True)
        rows.append(whole(table.assign(
            variable="given_up", topic="site sale", kind="capex", year=table["period"], objective=-table["objective"],
            cash=-table["cash"]))[COLUMNS])
    return tables, pd.concat(rows, ignore_index=True)


def _sale(world: World, site: Site, cash: np.ndarray, openings: pd.DataFrame) -> pd.DataFrame:
    """What a site brings in each year in which it may be given up."""
    years = np.array(world.years, dtype=float)
    table = pd.DataFrame({
        "place": site.id, "period": world.years, "cash": cash,
        "objective": cash * charged(world.scenario, years, world.scenario.money.shell_life)})
    both = table.merge(openings, on=["place", "period"], suffixes=("", "_opening")) if len(openings) else table.head(0)
    dear = both[both["cash"] > both["cash_opening"]] if len(both) else both
    if len(dear):
        row = dear.iloc[0]
        raise InputError(
            f"sites.{site.id}.sale_value: in {row['period']} the site brings {row['cash']:,.1f} million USD, more than "
            f"the {row['cash_opening']:,.1f} that it costs to open; give at most its opening cost")
    return table
