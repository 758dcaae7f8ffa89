"""The formulation of `build_problem` in linopy, as its users write it: dense dimensions, broadcasts, sums by group.

The problems of this benchmark are dense but for vintages (a mask), which suits linopy best.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from capacity.problem import Problem


def linopy_model(problem: Problem) -> Any:
    """The whole model, the last goal as its objective. Needs linopy (extra `benchmarks`)."""
    import linopy

    m, world = linopy.Model(), _World(problem)
    _sites(m, world)
    _fleet(m, world)
    _service(m, world)
    _cost(m, world)
    return m


class _World:
    """The tables as labelled arrays."""

    def __init__(self, problem: Problem) -> None:
        t = problem.table
        self.t, self.table = t, {}
        self.place = pd.Index(sorted(t("openings")["place"].unique()), name="place")
        self.period = pd.Index(t("periods")["period"], name="period")
        self.vintage = pd.Index(t("periods")["period"], name="vintage")
        self.asset = pd.Index(sorted(t("assets")["asset"]), name="asset")
        self.slice = pd.Index(sorted(t("slices")["slice"]), name="slice")
        self.activity = pd.Index(sorted(t("activities")["activity"]), name="activity")
        self.region = pd.Index(sorted(t("demands")["place"].unique()), name="region")
        self.commodity = pd.Index(sorted(t("demands")["commodity"].unique()), name="commodity")
        activities = t("activities").set_index("activity").sort_index()
        self.asset_of = activities["asset"].to_xarray()
        self.commodity_of = activities["commodity"].to_xarray()
        self.output, self.slack = activities["output_per_unit"].to_xarray(), activities["slack"].to_xarray()
        served = t("assignments").merge(t("demands").rename(columns={"place": "region"}), on="demand")
        served = served.drop_duplicates(["region", "place"])
        self.rtt = served.set_index(["region", "place"])["rtt"].to_xarray()
        self.amount = t("demands").rename(columns={"place": "region"}).set_index(
            ["region", "commodity", "period", "slice"])["amount"].to_xarray()

    def by(self, table: str, keys: list[str], column: str) -> Any:
        """A column of a table over its keys."""
        return self.t(table).set_index(keys).sort_index()[column].to_xarray()


def _sites(m: Any, w: _World) -> None:
    at = [w.place, w.period]
    opening = m.add_variables(coords=at, name="open", binary=True)
    opened = m.add_variables(0, 1, coords=at, name="opened")
    built = m.add_variables(0, 4, coords=at, name="built", integer=True)
    m.add_constraints(opening.sum("period") <= 1, name="once")
    m.add_constraints(opened - opened.shift(period=1) - opening == 0, name="stays")
    ever = built.cumsum("period")
    m.add_constraints(ever - 9 * opened <= 0, name="land")
    m.add_constraints(built - 4 * opened <= 0, name="where_open")
    m.add_constraints(opened - ever <= 0, name="first_block")


def _fleet(m: Any, w: _World) -> None:
    most = w.by("asset_cells", ["place", "asset", "vintage"], "max")
    life = w.by("asset_cells", ["place", "asset", "vintage"], "life")
    period, vintage = w.period.to_series().to_xarray(), w.vintage.to_series().to_xarray()
    there = (vintage <= period) & (period < vintage + life)
    bought = m.add_variables(0, most, coords=[w.place, w.asset, w.vintage], name="bought", integer=True)
    alive = m.add_variables(0, most.expand_dims(period=w.period).transpose("place", "asset", "vintage", "period"),
                            coords=[w.place, w.asset, w.vintage, w.period], name="alive", mask=there)
    new = there & (vintage == period)
    m.add_constraints(alive - bought == 0, name="enters", mask=new)
    m.add_constraints(alive - alive.shift(period=1) <= 0, name="shrinks", mask=there & ~new)
    opened = m.variables["opened"].rename({"period": "vintage"})
    m.add_constraints(bought - most * opened <= 0, name="buy_where_open")
    stock = (most.where(there.any("period"), 0) * there).sum("vintage")
    upper = stock.sel(asset=w.asset_of).drop_vars("asset").transpose("place", "activity", "period")
    use = m.add_variables(0, upper.expand_dims(slice=w.slice).transpose("place", "activity", "period", "slice"),
                          coords=[w.place, w.activity, w.period, w.slice], name="use")
    busy = use.groupby(w.asset_of.rename("asset")).sum()
    m.add_constraints(busy - alive.sum("vintage") <= 0, name="stock")
    power = w.by("asset_uses", ["asset"], "amount")
    room = w.by("blocks", ["place"], "capacity")
    m.add_constraints((power * alive).sum(["asset", "vintage"]) - room * m.variables["built"].cumsum("period") <= 0,
                      name="power")
    rhs = w.by("limits", ["period"], "rhs").rename(period="vintage")
    m.add_constraints(bought.sum(["place", "asset"]) <= rhs, name="supply")


def _service(m: Any, w: _World) -> None:
    at = [w.region, w.commodity, w.period, w.slice]
    upper = w.amount.expand_dims(place=w.place).transpose("region", "commodity", "period", "slice", "place")
    serve = m.add_variables(0, upper, coords=[*at, w.place], name="serve")
    short = m.add_variables(0, w.amount, coords=at, name="short")
    m.add_constraints(serve.sum("place") + short == w.amount, name="demand")
    m.add_constraints(serve - w.amount * m.variables["opened"] <= 0, name="serve_where_open")
    use = m.variables["use"]
    levels = np.unique(w.slack)
    run = w.rtt.copy(data=np.searchsorted(levels, w.rtt))
    able = w.slack.copy(data=np.searchsorted(levels, w.slack, side="right"))
    for level in range(len(levels) + 1):
        if not bool((run == level).any()):
            continue
        far = serve.where(run >= level).sum("region")
        fast = (w.output * use.where(able > level)).groupby(w.commodity_of.rename("commodity")).sum()
        m.add_constraints(far - fast <= 0, name=f"latency {level}", mask=(run == level).any("region"))


def _cost(m: Any, w: _World) -> None:
    v, share = m.variables, 1.0 / len(w.slice)
    upkeep = w.by("upkeep", ["place", "asset", "period"], "objective")
    running = w.by("activity_costs", ["place", "activity", "period"], "objective")
    m.add_objective(
        (w.by("openings", ["place", "period"], "objective") * v["open"]).sum()
        + (w.by("block_cells", ["place", "period"], "objective") * v["built"]).sum()
        + (w.by("asset_cells", ["place", "asset", "vintage"], "objective") * v["bought"]).sum()
        + (upkeep * v["alive"]).sum() + (share * running * v["use"]).sum()
    )
