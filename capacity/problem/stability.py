"""How fast a plan may change: MW of a site, accelerators of a class at a site, instances that move."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pandas as pd

from capacity.problem.contracts import Limits
from capacity.problem.costs import COLUMNS, whole
from capacity.problem.money import discount, grown
from capacity.problem.pods import Pod
from capacity.problem.supply import limit_row
from capacity.problem.world import World


def change_limits(world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]) -> Limits:
    """Limits on the difference between one year and the next, upward and downward."""
    rule, out = world.scenario.stability, []
    if rule.site_change is not None:
        out += _both_ways(world, "change", _alive(designs, tables), ["place"], rule.site_change)
    if rule.class_change is not None:
        out += _both_ways(world, "class change", _use(world, tables), ["place", "commodity"], rule.class_change / 1000)
    return out


def _alive(designs: list[Pod], tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """IT MW of a unit in service, by year."""
    cells = ["place", "asset", "vintage", "life"]
    held = pd.concat([tables["asset_cells"][cells], tables["committed"][cells]])
    held = held.groupby(cells[:3], as_index=False, sort=False)[["life"]].max()
    held = held.merge(tables["periods"].rename(columns={"period": "year"})[["year"]], how="cross")
    held = held[(held["vintage"] <= held["year"]) & (held["year"] < held["vintage"] + held["life"])]
    mw = {p.id: p.it_mw for p in designs}
    return held.assign(variable="alive", item=held["asset"], period=held["vintage"], period2=held["year"], slice="",
                       coefficient=held["asset"].map(mw))


def _use(world: World, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Thousand accelerators in use for a class, averaged over the day."""
    held = _alive_or_rented(tables)
    table = tables["activities"]
    last = table.get("last", world.years[-1])
    use = held.merge(table[["activity", "asset", "commodity", "first"]].assign(last=last), on="asset")
    use = use[(use["first"] <= use["year"]) & (use["year"] <= use["last"])]
    use = use.merge(world.slices[["slice", "hours"]], how="cross")
    return use.assign(variable="use", item=use["activity"], period=use["year"], period2=0,
                      coefficient=use["hours"] / float(world.slices["hours"].sum()))


def _alive_or_rented(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    owned = _alive([], {**tables})[["place", "asset", "year"]]
    rented = tables["rentals"].rename(columns={"period": "year"})[["place", "asset", "year"]]
    parts = [owned, rented]
    if "reservations" in tables:
        terms = tables["reservations"].merge(tables["periods"].rename(columns={"period": "year"}), how="cross")
        terms = terms[(terms["period"] <= terms["year"]) & (terms["year"] < terms["period"] + terms["life"])]
        parts.append(terms[["place", "asset", "year"]])
    return pd.concat([p for p in parts if len(p)] or parts[:1]).drop_duplicates()


def _both_ways(world: World, topic: str, terms: pd.DataFrame, by: list[str], most: float) -> Limits:
    out = []
    for key, rows in terms.groupby(by, sort=False):
        name = " ".join(str(k) for k in key)
        for before, year in pairwise(world.years):
            now, then = rows[rows["year"] == year], rows[rows["year"] == before]
            rise = pd.concat([now, then.assign(coefficient=-then["coefficient"])])
            fall = rise.assign(coefficient=-rise["coefficient"])
            for way, part in (("rise", rise), ("fall", fall)):
                if len(part):
                    out.append(limit_row(f"{name} {topic}", year, most, part, name=f"{name} {topic} {year} {way}"))
    return out


def moves(world: World) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """(table moves, cost rows): what of a class may change its site, and what that costs."""
    rule = world.scenario.stability
    if rule.move_share is None and not rule.move_cost:
        return {}, pd.DataFrame(columns=COLUMNS)
    years = np.array(world.years[1:], dtype=float)
    inflation = grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    each = rule.move_cost / 1000 * inflation  # million USD per thousand instances
    table = pd.DataFrame({
        "period": world.years[1:], "max_share": np.inf if rule.move_share is None else rule.move_share,
        "objective": each * discount(world.scenario, years), "cash": each,
    }).merge(pd.DataFrame({"commodity": list(world.scenario.classes)}), how="cross")
    places = pd.DataFrame({"place": [s.id for s in world.sites]})
    paid = table[table["cash"] != 0].merge(places, how="cross")
    named = paid.assign(variable="moved", item=paid["commodity"], topic="moves", kind="opex", year=paid["period"])
    return {"moves": table}, whole(named)[COLUMNS]
