"""Sites that may be given up: what holding them costs by the year, and the upkeep of the halls kept there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.problem.costs import COLUMNS, whole
from capacity.problem.halls import hall_types
from capacity.problem.money import discount, grown
from capacity.problem.places import may_close, shell_cost
from capacity.problem.world import World


def closing(world: World, tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(tables holdings and block_upkeep, cost rows), of sites with a `holding_cost`; nothing where there is none.

    Upkeep is charged at the price of building in the year it is paid, so that it does not ask when a hall was built.
    """
    years = np.array(world.years, dtype=float)
    now = discount(world.scenario, years)
    inflation = grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    holdings, kept = [], []
    for site in world.sites:
        given = world.scenario.sites[site.id]
        if given is None or given.holding_cost is None or not may_close(world, site):
            continue
        cash = given.holding_cost / 1e6 * inflation
        holdings.append(pd.DataFrame({"place": site.id, "period": world.years, "objective": cash * now, "cash": cash}))
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
    return tables, pd.concat(rows, ignore_index=True)
