"""Algorithmic progress: the same accelerators serve more every year.

    output[a, y]  =  output[a] * progress ** (y - first year)            each activity a of a variant in progress

An activity whose variant makes progress becomes one for each year, so that nothing below the waist need know of it.
"""

from __future__ import annotations

import pandas as pd

from capacity.problem.world import World


def progressing(
    world: World, makers: pd.DataFrame, running: pd.DataFrame, offered: pd.DataFrame, needs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(activities, running costs, configurations in words, needs), those of variants in progress by year.

    An accelerator in use draws the same power and makes more: energy per instance falls with compute. What it takes of
    what others make grows with what it makes.
    """
    rate = {name: v.progress for name, v in world.scenario.variants.items() if v.progress != 1}
    moving = offered.loc[offered["variant"].isin(list(rate)), ["activity", "variant"]]
    if moving.empty:
        return makers, running, offered, needs
    years = pd.DataFrame({"year": world.years})
    grid = moving.merge(years, how="cross")
    grid["factor"] = grid["variant"].map(rate).astype(float) ** (grid["year"] - world.years[0])
    grid = grid.drop(columns="variant")

    def by_year(table: pd.DataFrame, grows: str = "", first: str = "", year: str = "") -> pd.DataFrame:
        """Rows of activities in progress once for each year they may run in, the others as they are."""
        both = table.merge(grid, on="activity")
        both = both[both["year"] >= both[first]] if first else both
        both = both[both["year"] == both[year]] if year else both
        if grows:
            both[grows] = both[grows] * both["factor"]
        both = both.assign(activity=both["activity"] + " | " + both["year"].astype(str))
        if first:
            both = both.assign(**{first: both["year"], "last": both["year"]})
        still = table[~table["activity"].isin(moving["activity"])]
        return pd.concat([still, both.drop(columns=["year", "factor"])], ignore_index=True)

    whole = makers.assign(last=world.years[-1])
    return (
        by_year(whole, "output_per_unit", "first"), by_year(running, year="period"),
        by_year(offered, "instances_per_accelerator", "first"), by_year(needs, "amount"),
    )
