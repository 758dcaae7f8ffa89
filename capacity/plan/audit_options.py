"""The audit of what a problem need not have: closing, orders, energy, stability. Rows as in `audit_rows`.

`OPTIONAL_TOPICS` names for each topic the table that asks for it; a problem without it is not audited for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from capacity.plan.audit_rows import at_most, equal
from capacity.plan.quantities import (
    TERM_KEY,
    Values,
    at_age,
    blocks_in_use,
    blocks_standing,
    chosen,
    opened,
    quantities,
    reserved_by_year,
    times_asked,
    trained_by_year,
)
from capacity.problem import Problem


def given_up(problem: Problem, values: Values) -> pd.DataFrame:
    """Once given up a place is never held again, an unopened one is not held, it serves nobody, and is sold once."""
    places = problem.table("holdings")[["place"]].drop_duplicates()
    grid = places.merge(problem.table("periods")[["period"]], how="cross").sort_values(["place", "period"])
    grid = grid.merge(chosen(values, "held"), on=["place", "period"], how="left").fillna({"value": 0.0})
    grid = grid.merge(opened(problem, values), on=["place", "period"])
    earlier = grid.groupby("place")[["value", "opened"]].shift()
    must = grid["place"].isin(problem.table("openings")["place"])
    new = (grid["opened"] - earlier["opened"].fillna(0.0)).where(must, 0.0)
    most = earlier["value"].fillna((~must).astype(float)) + new
    again = at_most(grid, ["place", "period"], grid["value"], most)
    demands = problem.table("demands")[["demand", "period", "amount"]]
    served = chosen(values, "serve").merge(demands, on="demand").rename(columns={"value": "served"})
    served = served.merge(grid, on=["place", "period"])
    within = at_most(served, ["demand", "place"], served["served"], served["amount"] * served["value"])
    sold = chosen(values, "given_up").rename(columns={"value": "sold"}).merge(
        grid.assign(most=most), on=["place", "period"], how="left")
    once = at_most(sold, ["place", "period"], sold["sold"], (sold["most"] - sold["value"]).fillna(0.0))
    return pd.concat([again, within, once])


def beside_companions(problem: Problem, values: Values) -> pd.DataFrame:
    """A place serves a commodity, other than by the day, only while its companions are open and not given up."""
    demands = problem.table("demands")[["demand", "commodity", "period", "slice", "amount"]]
    served = chosen(values, "serve").merge(demands[demands["slice"] != ""], on="demand")
    both = served.merge(problem.table("companions"), on=["place", "commodity"])
    is_open = opened(problem, values).rename(columns={"place": "companion"})
    both = both.merge(is_open, on=["companion", "period"])
    held = chosen(values, "held").rename(columns={"place": "companion", "value": "held"})
    both = both.merge(held, on=["companion", "period"], how="left").fillna({"held": 0.0})
    leaves = both["companion"].isin(problem.table("holdings")["place"])
    in_use = both["opened"].where(~leaves, both["held"])
    return at_most(both, ["demand", "place", "companion"], both["value"], both["amount"] * in_use)


def kept_blocks(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks are kept while they stand, while their place is held, and not after they were given up."""
    key = ["place", "block", "period"]
    kept = blocks_in_use(problem, values)
    kept = kept[kept["place"].isin(problem.table("holdings")["place"])].sort_values(key)
    there = kept.merge(blocks_standing(problem, values)[[*key, "blocks"]], on=key, suffixes=("", "_standing"))
    there = there.merge(chosen(values, "held"), on=["place", "period"], how="left").fillna({"value": 0.0})
    there = there.merge(problem.table("blocks")[["place", "block", "existing"]], on=["place", "block"])
    built = chosen(values, "built").rename(columns={"value": "built"})
    there = there.merge(built, on=key, how="left").fillna({"built": 0.0})
    before = there.groupby(["place", "block"])["blocks"].shift().fillna(there["existing"])
    most = there["blocks_standing"].clip(upper=before + there["built"])
    return at_most(there, key, there["blocks"], most.where(there["value"] > 0, 0.0))


def orders(problem: Problem, values: Values) -> pd.DataFrame:
    """What is ordered together is nothing, or within its least and its most."""
    both = problem.table("order_terms").merge(quantities(problem, values), on=TERM_KEY)
    total = both.assign(total=both["coefficient"] * both["value"]).groupby("order", as_index=False)[["total"]].sum()
    rows = problem.table("orders").merge(total, on="order", how="left")
    rows = rows.merge(chosen(values, "ordered"), on="order", how="left").fillna({"total": 0.0, "value": 0.0})
    least = at_most(rows, ["order"], rows["least"] * rows["value"], rows["total"])
    most = (rows["most"] * rows["value"]).where(rows["value"] > 0, 0.0)
    bounded = rows[np.isfinite(most)]
    return pd.concat([least, at_most(bounded, ["order"], bounded["total"], most[bounded.index])])


def energy(problem: Problem, values: Values) -> pd.DataFrame:
    """All that runs is supplied, at every place, period and slice."""
    key = ["place", "period", "slice"]
    use = chosen(values, "use").merge(problem.table("draws"), on=["place", "activity", "period"])
    steady = blocks_in_use(problem, values)[["place", "block", "period", "blocks"]].merge(
        problem.table("block_draws"), on=["place", "block"]).merge(problem.table("slices")[["slice"]], how="cross")
    runs = chosen(values, "train").merge(problem.table("training"), on=["place", "asset", "run"]).merge(
        problem.table("slices")[["slice"]], how="cross")
    parts = [
        use.assign(mw=use["value"] * use["amount"]), steady.assign(mw=steady["blocks"] * steady["amount"]),
        runs.assign(mw=runs["value"] * runs["draw"]), *_idle(problem, values),
    ]
    for name, sign in (("draw", -1.0), ("discharge", -1.0), ("charge", 1.0)):
        flow = chosen(values, name)
        parts.append(flow.assign(mw=sign * flow["value"]))
    net = pd.concat([part[[*key, "mw"]] for part in parts]).groupby(key, as_index=False)[["mw"]].sum()
    drawn = chosen(values, "draw").groupby(key, as_index=False)[["value"]].sum()
    rows = net.merge(drawn, on=key, how="left").fillna({"value": 0.0})
    return equal(rows, key, rows["value"] + rows["mw"], rows["value"])


def _idle(problem: Problem, values: Values) -> list[pd.DataFrame]:
    """What stands idle or not draws (place, period, slice, mw), where table `idle_draws` says so."""
    table = problem.table("idle_draws")
    if not len(table):
        return []
    key, slices = ["place", "asset"], problem.table("slices")[["slice"]]
    owned = chosen(values, "alive").merge(table, on=key)
    rented = chosen(values, "rent").merge(table, on=key)
    held = reserved_by_year(problem, values).merge(table, on=key)
    parts = [
        owned.assign(mw=owned["value"] * owned["per_unit"]), rented.assign(mw=rented["value"] * rented["per_amount"]),
        held.assign(mw=held["reserved"] * held["per_amount"]),
    ]
    return [part.merge(slices, how="cross") for part in parts if len(part)]


def sources(problem: Problem, values: Values) -> pd.DataFrame:
    """A source gives no more than its own most and what the blocks behind it give."""
    key = ["place", "source", "period", "slice"]
    used = blocks_in_use(problem, values)[["place", "block", "period", "blocks"]]
    fed = problem.table("source_blocks").merge(used, on=["place", "block"])
    fed = fed.assign(fed=fed["amount"] * fed["blocks"])
    fed = fed.groupby(["place", "source", "period"], as_index=False)[["fed"]].sum()
    rows = chosen(values, "draw").merge(problem.table("sources")[[*key, "max"]], on=key)
    rows = rows.merge(fed, on=["place", "source", "period"], how="left").fillna({"fed": 0.0})
    rows = rows[np.isfinite(rows["max"])]
    return at_most(rows, key, rows["value"], rows["max"] + rows["fed"])


def stores(problem: Problem, values: Values) -> pd.DataFrame:
    """A store moves energy within its power, one cycle a day, and loses what its efficiency says."""
    key = ["place", "store", "period"]
    used = blocks_in_use(problem, values)[["place", "block", "period", "blocks"]]
    have = problem.table("stores").merge(used, on=["place", "block"])
    hours = problem.table("slices")[["slice", "hours"]]
    days = float(hours["hours"].sum()) / 24
    parts, sums = [], []
    for name in ("charge", "discharge"):
        flow = chosen(values, name).merge(have, on=key, how="left").fillna({"blocks": 0.0, "power": 0.0})
        parts.append(at_most(flow, [*key, "slice"], flow["value"], flow["power"] * flow["blocks"]))
        flow = flow.merge(hours, on="slice")
        sums.append(flow.assign(mwh=flow["value"] * flow["hours"]).groupby(key)["mwh"].sum().rename(name))
    rows = have.merge(pd.concat(sums, axis=1).reset_index(), on=key, how="left")
    rows = rows.fillna({"charge": 0.0, "discharge": 0.0})
    parts.append(equal(rows, key, rows["discharge"], rows["efficiency"] * rows["charge"]))
    parts.append(at_most(rows, key, rows["discharge"], days * rows["energy"] * rows["blocks"]))
    return pd.concat(parts)


def moves(problem: Problem, values: Values) -> pd.DataFrame:
    """What places take over from each other is counted as moved, and within the share that may move."""
    share = times_asked(problem)[["slice", "share"]]
    demands = problem.table("demands")[["demand", "commodity", "period", "slice", "amount"]].merge(share, on="slice")
    asked = demands.assign(asked=demands["amount"] * demands["share"]).groupby(["commodity", "period"])["asked"].sum()
    may = problem.table("assignments")[["demand", "place"]].merge(demands[["demand", "commodity"]], on="demand")
    table = problem.table("moves").merge(may[["commodity", "place"]].drop_duplicates(), on="commodity")
    periods = sorted(problem.table("periods")["period"])
    table = table.assign(before=table["period"].map(dict(zip(periods[1:], periods[:-1], strict=True))))
    serve = chosen(values, "serve").merge(demands, on="demand")
    means = serve.assign(mean=serve["value"] * serve["share"])
    served = means.groupby(["commodity", "place", "period"])["mean"].sum()

    def at(series: pd.Series, *keys: str) -> pd.Series:
        return series.reindex(pd.MultiIndex.from_frame(table[list(keys)])).fillna(0.0).set_axis(table.index)

    now, earlier = at(served, "commodity", "place", "period"), at(served, "commodity", "place", "before")
    shrinks = at(asked, "commodity", "period") < at(asked, "commodity", "before")
    key = ["commodity", "place", "period"]
    moved = at(chosen(values, "moved").set_index(key)["value"], *key)
    counted = at_most(table, key, (earlier - now).where(~shrinks, now - earlier), moved)
    both = table.assign(moved=moved, earlier=earlier).groupby(["commodity", "period"], as_index=False).agg(
        moved=("moved", "sum"), earlier=("earlier", "sum"), max_share=("max_share", "first"))
    both = both[np.isfinite(both["max_share"])]
    within = at_most(both, ["commodity", "period"], both["moved"], both["max_share"] * both["earlier"])
    return pd.concat([counted, within])


def runs_trained(problem: Problem, values: Values) -> pd.DataFrame:
    """Every run trains at one place on one asset, on what serves there, whether or not anything else does."""
    total = chosen(values, "train").groupby("run", as_index=False)[["value"]].sum()
    rows = problem.table("training")[["run"]].drop_duplicates().merge(total, on="run", how="left")
    rows = rows.fillna({"value": 0.0})
    return pd.concat([equal(rows, ["run"], rows["value"], pd.Series(1.0, index=rows.index)), _held(problem, values)])


def _held(problem: Problem, values: Values) -> pd.DataFrame:
    key = ["place", "asset", "period"]
    alive = chosen(values, "alive").merge(problem.table("assets")[["asset", "unit_size"]], on="asset")
    alive = alive.assign(there=alive["value"] * alive["unit_size"] * at_age(problem, alive, "serving"))
    rent, terms = chosen(values, "rent"), reserved_by_year(problem, values)
    there = pd.concat([alive, rent.assign(there=rent["value"]), terms.assign(there=terms["reserved"])])
    there = there.groupby(key, as_index=False)[["there"]].sum()
    both = trained_by_year(problem, values).merge(there, on=key, how="left").fillna({"there": 0.0})
    return at_most(both, key, both["trained"], both["there"])


OPTIONAL_TOPICS: dict[str, tuple[str, Callable[[Problem, Values], pd.DataFrame]]] = {
    "places given up": ("holdings", given_up),
    "blocks kept": ("holdings", kept_blocks),
    "companions": ("companions", beside_companions),
    "orders": ("orders", orders),
    "energy is supplied": ("sources", energy),
    "sources give what they have": ("sources", sources),
    "stores": ("stores", stores),
    "moves of classes": ("moves", moves),
    "training runs": ("training", runs_trained),
}
