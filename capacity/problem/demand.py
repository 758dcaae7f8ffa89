"""Demand by region, class, year and slice of the day; who may serve it."""

from __future__ import annotations

import pandas as pd

from capacity.network import round_trips
from capacity.problem.world import World, on_duty
from capacity.scenario import demand_table
from capacity.scenario.schema import LocalHours

ANYTIME = "any time of day"
"""What the names of demands say in place of a slice, for work that is asked for by the day."""


def whole_day(world: World) -> pd.DataFrame:
    """A row as those of `World.slices` for what is asked for by the day: an empty slice, and all hours."""
    hours = float(world.slices["hours"].sum())
    return pd.DataFrame({"slice": [""], "start_utc_h": [0.0], "length_h": [24.0], "hours": [hours]})


def busiest_slices(demand: pd.DataFrame) -> pd.DataFrame:
    """(period, slice): the slice of each period that asks for most, of what must be served in its slice."""
    asked = demand[demand["slice"] != ""]
    busy = asked.groupby(["period", "slice"], as_index=False)[["amount"]].sum()
    return busy.sort_values(["period", "amount"]).groupby("period", as_index=False).last()[["period", "slice"]]


def demands(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(demands table, the same in the user's words). Amounts in thousand instances, each slice at its busiest hour;
    batch work by the day, as its mean."""
    scenario = world.scenario
    asked = demand_table(scenario, world.regions)
    daily = asked["service_class"].map({name: c.batch for name, c in scenario.classes.items()}).astype(bool)
    asked = pd.concat([
        asked[of_kind].merge(when, how="cross")
        for of_kind, when in ((~daily, world.slices), (daily, whole_day(world))) if of_kind.any()
    ], ignore_index=True)
    offsets = {r.id: r.utc_offset_h for r in world.regions}
    busy = [
        not isinstance(window := scenario.classes[c].duty, LocalHours) or on_duty(window, offsets[r], start, length)
        for c, r, start, length in zip(
            asked["service_class"], asked["region"], asked["start_utc_h"], asked["length_h"], strict=True
        )
    ]
    asked = asked[pd.Series(busy, index=asked.index) & (asked["instances"] > 0)].reset_index(drop=True)
    asked = _in_blocks(world, asked)
    names = asked["region"] + " | " + asked["service_class"] + " | " + asked["year"].astype(str)
    names = names + " | " + asked["slice"].where(asked["slice"] != "", ANYTIME) + asked["block"]
    hours = asked["hours"] / float(world.slices["hours"].sum())
    size = (asked["instances"] / 1000 * hours).groupby(asked["year"]).sum()
    unit = 100 / size if scenario.goal.by_share() else size * 0 + 1
    weights = unit * [scenario.goal.year_weights.get(int(y), 1.0) for y in unit.index]
    stated = scenario.goal.shortage_price
    wages = {r.id: r.wage_usd_h if isinstance(stated, str) else stated for r in world.regions}
    usd = asked["worth"].fillna(asked["region"].map(wages).astype(float))
    price = usd / 1000  # million USD per thousand instance-hours
    rate = 1 + scenario.money.discount_rate
    table = pd.DataFrame(
        {
            "demand": names,
            "place": asked["region"],
            "commodity": asked["service_class"],
            "period": asked["year"],
            "slice": asked["slice"],
            "amount": asked["instances"] / 1000,
            "weight": asked["year"].map(weights),
            "shortage_price": price * asked["hours"] * rate ** -(asked["year"] - scenario.years.first).astype(float),
            "must_serve": scenario.demand.must_serve,
        }
    )
    words = asked[["region", "service_class", "year", "slice"]].rename(columns={"year": "period"})
    words.insert(0, "demand", names)
    words["amount"] = table["amount"]
    return table, words


def _in_blocks(world: World, asked: pd.DataFrame) -> pd.DataFrame:
    """`asked` with columns block (empty without a demand curve) and worth (USD an hour; NaN: the goal's own price)."""
    curves = [
        (name, f" | {i + 1}", block.share, block.worth, block.of_wage)
        for name, blocks in world.scenario.demand.worth.items() for i, block in enumerate(blocks)
    ]
    priced = {name for name, *_ in curves}
    whole = [(name, "", 1.0, None, None) for name in world.scenario.classes if name not in priced]
    table = pd.DataFrame([*whole, *curves], columns=["service_class", "block", "block_share", "worth", "of_wage"])
    both = asked.merge(table.astype({"worth": float, "of_wage": float}), on="service_class")
    wage = both["region"].map({r.id: r.wage_usd_h for r in world.regions}).astype(float)
    return both.assign(
        instances=both["instances"] * both["block_share"], worth=both["worth"].fillna(both["of_wage"] * wage))


def farthest(world: World, offered: pd.DataFrame) -> pd.Series:
    """Longest round trip in ms that each class allows and some configuration can bear; -1 where none can."""
    hard = {name: float("inf") if c.max_rtt is None else c.max_rtt * 1000 for name, c in world.scenario.classes.items()}
    slack = offered.groupby("service_class")["rtt_slack_s"].max().mul(1000) if len(offered) else pd.Series(dtype=float)
    return pd.Series({name: min(limit, float(slack.get(name, -1.0))) for name, limit in hard.items()})


def assignments(world: World, table: pd.DataFrame, offered: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(assignments table, round trips): pairs within the class's hard limit that some configuration can bear."""
    trips = round_trips(world.regions, world.sites, world.catalogue)
    pairs = trips.rename(columns={"source": "region", "target": "site", "rtt_ms": "rtt"})
    reach = farthest(world, offered)
    rows = table[["demand", "place", "commodity"]].merge(
        pairs[["region", "site", "rtt"]], left_on="place", right_on="region"
    )
    rows = rows[rows["rtt"] <= rows["commodity"].map(reach)]
    out = rows[["demand", "site", "rtt"]].rename(columns={"site": "place"}).reset_index(drop=True)
    return out, trips
