"""Each constraint of the waist, recomputed by joins alone: rows (row, lhs, rhs, excess), excess > 0 where violated.

Written from the meaning of `problem.tables`, not from the formulation, so that the two can disagree.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.quantities import (
    PUBLIC,
    TERM_KEY,
    Values,
    at_age,
    blocks_standing,
    chosen,
    in_service,
    opened,
    provided,
    quantities,
    reserved_by_year,
    times_asked,
    trained_by_year,
)
from capacity.problem import Problem


def at_most(frame: pd.DataFrame, keys: list[str], lhs: pd.Series, rhs: pd.Series) -> pd.DataFrame:
    """Rows of lhs <= rhs, named by their keys."""
    labels = frame[keys[0]].astype(str)
    for key in keys[1:]:
        labels = labels + ", " + frame[key].astype(str)
    return pd.DataFrame({"row": labels, "lhs": lhs, "rhs": rhs, "excess": lhs - rhs}).reset_index(drop=True)


def equal(frame: pd.DataFrame, keys: list[str], lhs: pd.Series, rhs: pd.Series) -> pd.DataFrame:
    """Rows of lhs == rhs."""
    out = at_most(frame, keys, lhs, rhs)
    return out.assign(excess=out["excess"].abs())


def known_keys(problem: Problem, values: Values) -> pd.DataFrame:
    """No variable has a value where the problem offers none."""
    cells = {
        "open": problem.table("openings"), "built": problem.table("block_cells"),
        "bought": problem.table("asset_cells"), "rent": problem.table("rentals"),
        "serve": problem.table("assignments"), "short": problem.table("demands"),
        "modules": problem.table("modules"), "alive": _may_serve(problem), "use": _may_run(problem),
        "reserve": problem.table("reservations"), "ordered": problem.table("orders"),
        "draw": problem.table("sources"), "given_up": problem.table("sales"),
        "train": problem.table("training").drop_duplicates(["place", "asset", "run"]),
    }
    parts = []
    for name, table in cells.items():
        keys = list(PUBLIC[name])
        found = chosen(values, name).merge(table[keys].assign(known=1.0), on=keys, how="left")
        parts.append(at_most(found.assign(variable=name), ["variable", *keys], found["value"].abs().where(
            found["known"].isna(), 0.0), pd.Series(0.0, index=found.index)))
    return pd.concat(parts, ignore_index=True)


def _may_serve(problem: Problem) -> pd.DataFrame:
    cells = ["place", "asset", "vintage", "life"]
    held = pd.concat([problem.table("asset_cells")[cells], problem.table("committed")[cells]])
    return in_service(held, "vintage", problem).rename(columns={"in_year": "period"}).drop_duplicates(
        ["place", "asset", "vintage", "period"]
    )


def _may_run(problem: Problem) -> pd.DataFrame:
    keys = ["place", "asset", "period"]
    contracts = in_service(problem.table("reservations"), "period", problem).drop(columns="period")
    contracts = contracts.rename(columns={"in_year": "period"})
    held = pd.concat([_may_serve(problem)[keys], problem.table("rentals")[keys], contracts[keys]]).drop_duplicates()
    runs = held.merge(problem.table("activities")[["activity", "asset", "first", "last"]], on="asset")
    runs = runs[(runs["first"] <= runs["period"]) & (runs["period"] <= runs["last"])]
    runs = runs.merge(problem.table("slices")[["slice"]], how="cross")
    return pd.concat([runs, _may_run_on_nothing(problem)[runs.columns]], ignore_index=True)


def _may_run_on_nothing(problem: Problem) -> pd.DataFrame:
    """Activities on no asset, where and when demand for their commodity may be served from."""
    free = problem.table("activities")
    free = free[free["asset"] == ""]
    wanted = problem.table("demands")[["demand", "commodity", "period", "slice"]]
    daily = wanted["slice"] == ""
    anytime = wanted[daily].drop(columns="slice").merge(problem.table("slices")[["slice"]], how="cross")
    asked = problem.table("assignments")[["demand", "place"]].merge(
        pd.concat([wanted[~daily], anytime], ignore_index=True), on="demand")
    asked = asked.drop(columns="demand").drop_duplicates().merge(free, on="commodity")
    return asked[(asked["first"] <= asked["period"]) & (asked["period"] <= asked["last"])]


def bounds(problem: Problem, values: Values) -> pd.DataFrame:
    """0 <= value <= its own maximum, for every variable."""
    most = {
        "built": problem.table("block_cells"), "bought": problem.table("asset_cells"),
        "rent": problem.table("rentals"), "serve": problem.table("assignments"), "modules": problem.table("modules"),
        "open": problem.table("openings").assign(max=1.0),
        "short": problem.table("demands").assign(max=lambda t: t["amount"].where(~t["must_serve"], 0.0)),
        "reserve": problem.table("reservations"), "ordered": problem.table("orders").assign(max=1.0),
        "held": problem.table("holdings").assign(max=1.0),
        "train": problem.table("training").drop_duplicates(["place", "asset", "run"]).assign(max=1.0),
    }
    parts = []
    for name, keys_ in PUBLIC.items():
        keys, frame = list(keys_), chosen(values, name)
        parts.append(at_most(frame, keys, -frame["value"], pd.Series(0.0, index=frame.index)))
        if name in most:
            both = frame.merge(most[name][[*keys, "max"]], on=keys)
            both = both[np.isfinite(both["max"])]
            parts.append(at_most(both, keys, both["value"], both["max"]))
    return pd.concat(parts, ignore_index=True)


def whole_numbers(problem: Problem, values: Values) -> pd.DataFrame:
    """Openings always, blocks, assets and modules where they say so, are whole."""
    kinds = {
        "open": problem.table("openings").assign(integer=True),
        "built": problem.table("block_cells").merge(problem.table("blocks")[["place", "block", "integer"]]),
        "bought": problem.table("asset_cells").merge(problem.table("assets")[["asset", "integer"]]),
        "modules": problem.table("modules"),
        "ordered": problem.table("orders").assign(integer=True),
        "held": problem.table("holdings").assign(integer=True),
        "train": problem.table("training").drop_duplicates(["place", "asset", "run"]).assign(integer=True),
    }
    parts = []
    for name, table in kinds.items():
        keys = list(PUBLIC[name])
        both = chosen(values, name).merge(table[table["integer"]][keys], on=keys)
        parts.append(equal(both, keys, both["value"], both["value"].round()))
    return pd.concat(parts, ignore_index=True)


def demand_balance(problem: Problem, values: Values) -> pd.DataFrame:
    """Served plus short is what is asked."""
    rows = problem.table("demands")[["demand", "amount"]]
    served = chosen(values, "serve").groupby("demand", as_index=False)[["value"]].sum()
    short = chosen(values, "short").rename(columns={"value": "short"})
    both = rows.merge(served, on="demand", how="left").merge(short, on="demand", how="left").fillna(0.0)
    return equal(both, ["demand"], both["value"] + both["short"], both["amount"])


def one_source(problem: Problem, values: Values) -> pd.DataFrame:
    """A demand of a single source is served from at most one place."""
    demands = problem.table("demands")
    single = demands[demands["single_source"]][["demand", "amount"]]
    serve = chosen(values, "serve").merge(single, on="demand")
    grouped = serve.groupby("demand", as_index=False).agg(total=("value", "sum"), largest=("value", "max"))
    return at_most(grouped, ["demand"], grouped["total"], grouped["largest"])


def latency(problem: Problem, values: Values) -> pd.DataFrame:
    """What is served at round trip t or more is made by configurations that bear t: each place, class, period, slice.

    Rows are sorted by falling round trip and slack; running sums then give both sides of every threshold at once. In
    a problem without activities nothing is made, and open places serve freely. What is asked for by the day may be made
    in any slice, each counting for the part of the day that it lasts.
    """
    where = ["place", "commodity", "period", "slice"]
    demands = problem.table("demands")[["demand", "commodity", "period", "slice"]]
    serve = chosen(values, "serve").merge(demands, on="demand")
    serve = serve.merge(problem.table("assignments")[["demand", "place", "rtt"]], on=["demand", "place"])
    serve = _by_path(problem, values, serve, demands)
    use = chosen(values, "use").merge(
        problem.table("activities")[["activity", "commodity", "output_per_unit", "slack"]], on="activity"
    )
    serve = serve if len(problem.table("activities")) else serve.iloc[:0]
    use = _over_the_day(problem, use.assign(made=use["value"] * use["output_per_unit"]))
    asked = serve.assign(ms=serve["rtt"], asked=serve["value"], made=0.0, order=1)
    made = use.assign(ms=use["slack"], asked=0.0, order=0)
    columns = [*where, "ms", "asked", "made", "order"]
    events = pd.concat([asked[columns], made[columns]], ignore_index=True)
    events = events.sort_values([*where, "ms", "order"], ascending=[True] * 4 + [False, True])
    sums = events.groupby(where)[["asked", "made"]].cumsum()
    rows = events["order"] == 1
    return at_most(events[rows], [*where, "ms"], sums["asked"][rows], sums["made"][rows])


def _over_the_day(problem: Problem, use: pd.DataFrame) -> pd.DataFrame:
    """What is made (`made`, by commodity and slice); of what is asked for by the day its mean, in an empty slice."""
    demands = problem.table("demands")
    daily = use["commodity"].isin(demands.loc[demands["slice"] == "", "commodity"])
    if not daily.any():
        return use
    share = use["slice"].map(times_asked(problem).set_index("slice")["share"])
    return use.assign(made=use["made"].where(~daily, use["made"] * share), slice=use["slice"].where(~daily, ""))


def _by_path(problem: Problem, values: Values, serve: pd.DataFrame, demands: pd.DataFrame) -> pd.DataFrame:
    """`serve` with what takes paths in its parts, each at its path's round trip."""
    ways = problem.table("assignment_paths")[["demand", "place", "path"]]
    if not len(ways):
        return serve
    parts = chosen(values, "via").merge(demands, on="demand").merge(problem.table("paths")[["path", "rtt"]], on="path")
    whole = serve.merge(ways[["demand", "place"]].drop_duplicates(), on=["demand", "place"], how="left", indicator="by")
    return pd.concat([whole[whole["by"] == "left_only"], parts], ignore_index=True)[serve.columns]


def only_open_places(problem: Problem, values: Values) -> pd.DataFrame:
    """Nothing is served, built or (where bounded) bought in a place that is not open, and a place opens once."""
    is_open = opened(problem, values)
    needs = problem.table("openings")[["place"]].drop_duplicates()
    demands = problem.table("demands")[["demand", "period", "amount"]]
    serve = chosen(values, "serve").merge(demands, on="demand").rename(columns={"amount": "most"})
    cells = problem.table("block_cells")
    cells = cells.assign(most=cells[["max", "max_total"]].min(axis=1))[["place", "block", "period", "most"]]
    built = chosen(values, "built").merge(cells, on=["place", "block", "period"])
    vintages = problem.table("asset_cells").rename(columns={"max": "most"})[["place", "asset", "vintage", "most"]]
    bought = chosen(values, "bought").merge(vintages, on=["place", "asset", "vintage"])
    bought = bought.rename(columns={"vintage": "period"})
    parts = []
    for name, frame in (("serve", serve), ("built", built), ("bought", bought)):
        bounded = frame[np.isfinite(frame["most"])].merge(needs, on="place")
        both = bounded.merge(is_open, on=["place", "period"]).assign(variable=name)
        parts.append(at_most(both, ["variable", "place", "period"], both["value"], both["most"] * both["opened"]))
    last = is_open.merge(needs, on="place")
    parts.append(at_most(last, ["place", "period"], last["opened"], pd.Series(1.0, index=last.index)))
    return pd.concat(parts, ignore_index=True)


def open_with_block(problem: Problem, values: Values) -> pd.DataFrame:
    """A place of blocks opens no earlier than its first block, existing or ever built."""
    blocks = problem.table("blocks")
    owns = blocks.groupby("place", as_index=False)[["existing"]].sum()
    owns = owns.merge(problem.table("openings")[["place"]].drop_duplicates(), on="place")
    state = opened(problem, values).merge(owns, on="place")
    built = chosen(values, "built").rename(columns={"period": "since"})[["place", "since", "value"]]
    both = state[["place", "period"]].merge(built, on="place")
    ever = both[both["since"] <= both["period"]].groupby(["place", "period"], as_index=False)[["value"]].sum()
    state = state.merge(ever, on=["place", "period"], how="left")
    return at_most(state, ["place", "period"], state["opened"], state["value"].fillna(0.0) + state["existing"])


def block_totals(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks in service stay within the place's total."""
    cells = problem.table("block_cells")[["place", "block", "period", "max_total"]]
    both = blocks_standing(problem, values).merge(cells, on=["place", "block", "period"])
    both = both[np.isfinite(both["max_total"])]
    return at_most(both, ["place", "block", "period"], both["blocks"], both["max_total"])


def vintages(problem: Problem, values: Values) -> pd.DataFrame:
    """A vintage starts with what was bought or committed and never grows."""
    cell = ["place", "asset", "vintage"]
    alive = chosen(values, "alive")
    periods = sorted(problem.table("periods")["period"])
    follows = pd.DataFrame({"before": periods[:-1], "period": periods[1:]}).astype("int64")
    earlier = alive.rename(columns={"period": "before", "value": "earlier"})
    both = alive.merge(follows, on="period", how="left").merge(earlier, on=[*cell, "before"], how="left")
    start = both["vintage"].clip(lower=periods[0]) == both["period"]
    both = both.merge(chosen(values, "bought").rename(columns={"value": "bought"}), on=cell, how="left")
    both = both.merge(problem.table("committed")[[*cell, "count"]], on=cell, how="left")
    both = both.fillna({"earlier": 0.0, "bought": 0.0, "count": 0.0})
    most = (both["bought"] + both["count"]).where(start.to_numpy(), both["earlier"])
    return at_most(both, [*cell, "period"], both["value"], most)


def stock(problem: Problem, values: Values) -> pd.DataFrame:
    """Use is within what serves or is rented: each place, asset, period, slice."""
    key = ["place", "asset", "period"]
    use = chosen(values, "use").merge(problem.table("activities")[["activity", "asset"]], on="activity")
    used = use.groupby([*key, "slice"], as_index=False)[["value"]].sum()
    alive = chosen(values, "alive").merge(problem.table("assets")[["asset", "unit_size"]], on="asset")
    alive = alive.assign(held=alive["value"] * alive["unit_size"] * at_age(problem, alive, "serving"))
    alive = alive.groupby(key, as_index=False)[["held"]].sum()
    rent = chosen(values, "rent").rename(columns={"value": "rented"})
    used = used[used["asset"] != ""]
    both = used.merge(alive, on=key, how="left").merge(rent, on=key, how="left")
    both = both.merge(reserved_by_year(problem, values), on=key, how="left")
    both = both.merge(trained_by_year(problem, values), on=key, how="left")
    both = both.fillna({"held": 0.0, "rented": 0.0, "reserved": 0.0, "trained": 0.0})
    there = both["held"] + both["rented"] + both["reserved"]
    return at_most(both, [*key, "slice"], both["value"] + both["trained"], there)


def resources(problem: Problem, values: Values) -> pd.DataFrame:
    """What stands is carried by blocks in service: each place, resource, period."""
    key = ["place", "resource", "period"]
    alive = chosen(values, "alive").merge(problem.table("asset_uses"), on="asset")
    used = alive.assign(used=alive["value"] * alive["amount"]).groupby(key, as_index=False)[["used"]].sum()
    both = used.merge(provided(problem, values), on=key, how="left").fillna({"amount": 0.0})
    return at_most(both, key, both["used"], both["amount"])


def shares(problem: Problem, values: Values) -> pd.DataFrame:
    """A group of activities makes at most its share of what is served: each commodity, period, slice."""
    key = ["commodity", "period", "slice"]
    activities = problem.table("activities")[["activity", "commodity", "group", "output_per_unit"]]
    use = chosen(values, "use").merge(activities, on="activity")
    made = _over_the_day(problem, use.assign(made=use["value"] * use["output_per_unit"]))
    made = made.groupby([*key, "group"], as_index=False)[["made"]].sum().merge(
        problem.table("shares"), on=["commodity", "group"]
    )
    demands = problem.table("demands")[["demand", *key]]
    served = chosen(values, "serve").merge(demands, on="demand").groupby(key, as_index=False)[["value"]].sum()
    both = made.merge(served, on=key, how="left").fillna({"value": 0.0})
    return at_most(both, [*key, "group"], both["made"], both["max_share"] * both["value"])


def limit_use(problem: Problem, values: Values) -> pd.DataFrame:
    """`limits` with `used`: the left-hand side of each."""
    both = problem.table("limit_terms").merge(quantities(problem, values), on=TERM_KEY)
    used = both.assign(used=both["coefficient"] * both["value"]).groupby("limit", as_index=False)[["used"]].sum()
    return problem.table("limits").merge(used, on="limit", how="left").fillna({"used": 0.0})


def limits(problem: Problem, values: Values) -> pd.DataFrame:
    """Every limit holds in its sense."""
    both = limit_use(problem, values)
    signed = both["used"] - both["rhs"]
    excess = signed.where(both["sense"] == "<=", (-signed).where(both["sense"] == ">=", signed.abs()))
    return at_most(both, ["limit"], both["used"], both["rhs"]).assign(excess=excess.reset_index(drop=True))
