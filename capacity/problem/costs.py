"""Every dollar as a row: which variable causes it, on what topic, in which year, as nominal cash and as objective.

The objective columns of the waist's tables are sums of these rows; budgets and reports read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pandas as pd

from capacity.problem.halls import hall_types
from capacity.problem.money import milestones
from capacity.problem.places import shell_upkeep
from capacity.problem.pods import Pod, prices
from capacity.problem.world import World
from capacity.scenario.options import Bought

TOPICS: dict[Bought, str] = {"accelerators": "accelerators", "fabric": "fabric", "shell": "shell", "opening": "opening"}
"""Topic of the cost rows of each thing that may be paid at milestones."""
COLUMNS = ["variable", "place", "item", "period", "period2", "slice", "topic", "kind", "year", "cash", "objective"]


def cost_rows(world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Long table with COLUMNS; money in million USD per unit of the variable. Energy rows are per full year of use."""
    parts = [
        _asset(world, designs, tables["asset_cells"]),
        _simple(tables["openings"], "open", "opening", "capex", item=None),
        _shell(world, tables["block_cells"]),
        _upkeep(tables),
        _simple(tables["rentals"], "rent", "rental", "opex", item="asset"),
        _links(world, tables.get("modules")),
        _energy(world, tables),
    ]
    return pd.concat([p[COLUMNS] for p in parts if len(p)], ignore_index=True)


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """The table with every index column of COLUMNS, empty where it has none."""
    empty: dict[str, str | int] = {"item": "", "period2": 0, "slice": ""}
    return table.assign(**{column: value for column, value in empty.items() if column not in table})


def _simple(table: pd.DataFrame, variable: str, topic: str, kind: str, item: str | None) -> pd.DataFrame:
    if not len(table):
        return pd.DataFrame(columns=COLUMNS)
    out = table.assign(variable=variable, topic=topic, kind=kind, year=table["period"])
    if item is not None:
        out["item"] = table[item]
    return whole(out)


def _asset(world: World, designs: list[Pod], cells: pd.DataFrame) -> pd.DataFrame:
    price = prices(world, designs)[["asset", "vintage", "chips", "fabric", "chips_due", "due"]]
    rows = cells.merge(price, on=["asset", "vintage"])
    out = []
    for topic, column in (("accelerators", "chips"), ("fabric", "fabric")):
        share = rows["chips_due"] / rows["due"]
        share = share if column == "chips" else 1 - share
        out.append(rows.assign(
            variable="bought", item=rows["asset"], period=rows["vintage"], topic=topic, kind="capex",
            year=rows["vintage"], cash=rows[column], objective=rows["objective"] * share,
        ))
    return whole(pd.concat(out))


def _shell(world: World, cells: pd.DataFrame) -> pd.DataFrame:
    cells = cells[cells["block"].isin([hall.name for hall in hall_types(world)])]
    upkeep = shell_upkeep(world, cells).assign(topic="shell upkeep", kind="opex")
    later = upkeep.groupby(["place", "block", "period"], as_index=False)["objective"].sum()
    built = cells.merge(later, on=["place", "block", "period"], how="left", suffixes=("", "_later"))
    built = built.fillna({"objective_later": 0.0})
    built = built.assign(
        topic="shell", kind="capex", year=built["period"], objective=built["objective"] - built["objective_later"]
    )
    both = pd.concat([built, upkeep])
    return whole(both.assign(variable="built", item=both["block"]))


def _upkeep(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Upkeep is charged on units in service: one row per place, asset, vintage and year."""
    both = pd.concat([tables["asset_cells"], tables["committed"]])[["place", "asset", "vintage", "life"]]
    rows = both.drop_duplicates(["place", "asset", "vintage"]).merge(tables["upkeep"], on=["place", "asset"])
    rows = rows[(rows["vintage"] <= rows["period"]) & (rows["period"] < rows["vintage"] + rows["life"])]
    if "ageing" in tables:
        ages = tables["ageing"].rename(columns={"upkeep": "factor"})[["asset", "age", "factor"]]
        rows = rows.assign(age=rows["period"] - rows["vintage"]).merge(ages, on=["asset", "age"], how="left")
        factor = rows["factor"].fillna(1.0)
        rows = rows.assign(cash=rows["cash"] * factor, objective=rows["objective"] * factor)
    return whole(rows.assign(
        variable="alive", item=rows["asset"], period2=rows["period"], year=rows["period"], period=rows["vintage"],
        topic="upkeep", kind="opex",
    ))


def _links(world: World, modules: pd.DataFrame | None) -> pd.DataFrame:
    """Leased waves: the objective is charged once, the cash year by year while lit."""
    if modules is None or not len(modules):
        return pd.DataFrame(columns=COLUMNS)
    rows = modules.merge(pd.DataFrame({"year": world.years}), how="cross")
    rows = rows[(rows["year"] >= rows["period"]) & (rows["year"] < rows["period"] + rows["life"])]
    rows = rows.assign(
        variable="modules", place=rows["link"], item=rows["module"], topic="links", kind="opex",
        objective=rows["objective"].where(rows["year"] == rows["period"], 0.0),
    )
    return whole(rows)


def _energy(world: World, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Energy of use, split over the slices of the day."""
    rows = tables["activity_costs"].merge(world.slices[["slice", "hours"]], how="cross")
    share = rows["hours"] / float(world.slices["hours"].sum())
    return whole(rows.assign(
        variable="use", item=rows["activity"], topic="energy", kind="opex", year=rows["period"],
        cash=rows["cash"] * share, objective=rows["objective"] * share,
    ))


def paid_at_milestones(world: World, costs: pd.DataFrame) -> pd.DataFrame:
    """Cost rows with the cash of purchases at its milestones; the objective stays in the year of service.

    What would be paid before the first year of the plan is paid in it.
    """
    parts = []
    for what in get_args(Bought):
        due = milestones(world.scenario, what)
        if due == {0: 1.0}:
            continue
        rows = costs[(costs["topic"] == TOPICS[what]) & (costs["kind"] == "capex")]
        costs = costs.drop(rows.index)
        for ahead, share in sorted(due.items()):
            paid = (rows["year"] - ahead).clip(lower=rows["year"].clip(upper=world.years[0]))
            now = rows["objective"] if ahead == min(due) else 0.0
            parts.append(rows.assign(year=paid, cash=rows["cash"] * share, objective=now))
    return pd.concat([costs, *parts], ignore_index=True) if parts else costs
