"""What binds: every limit of the problem, and where sites have no room left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.audit_rows import limit_use
from capacity.plan.columns import conform
from capacity.plan.quantities import (
    TERM_KEY,
    Values,
    blocks_standing,
    chosen,
    halls_standing,
    power_uses,
    quantities,
)
from capacity.problem import Problem
from capacity.problem.estate import SITE_POWER

ALMOST = 0.99
"""Share of a limit from which on it binds: pods and phases are whole, so the last percent is often out of reach."""

NEAR = 0.9
"""Share of a limit from which on it is worth naming where nothing binds."""

ROUNDING = 1e-6
"""Relative room for the solver's rounding."""


SITE_TOPICS = {
    "site grid": "grid full", "site pace": "no faster building", "phases full": "phases full",
    "on-site power": "no more power on site", "pace of on-site power": "no faster building of power on site",
}
"""Topics of the rows that `limits_table` adds for each site, and how they are told."""

NO_GRID = "no grid yet for a phase"
"""How sites are told where the grid of a year lets no phase stand."""


def limits_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `limits`: those of the problem, then those of each site: grid, pace of building, power of phases."""
    stated, grid = _without_grid(problem, values, _stated(problem, values), _grid(problem, values))
    parts = [stated, grid, _pace(problem, values), _site_power(problem, values)]
    whole = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    gap = whole["rhs"] - whole["used"]
    slack = gap.where(whole["sense"] == "<=", (-gap).where(whole["sense"] == ">=", -gap.abs()))
    at_least, at_most = whole["used"] * ALMOST <= whole["rhs"], whole["used"] >= ALMOST * whole["rhs"]
    no_room = (whole["sense"] == "<=") & (slack < whole["smallest_unit"] * (1 - ROUNDING))
    full = np.where(whole["sense"] == ">=", at_least, at_most | no_room)
    return conform("limits", whole.assign(slack=slack, binding=full | (whole["sense"] == "==")))


def _stated(problem: Problem, values: Values) -> pd.DataFrame:
    used = limit_use(problem, values).rename(columns={"period": "year"}).merge(_units(problem), on="limit", how="left")
    return used.fillna({"smallest_unit": 0.0})[["limit", "topic", "year", "sense", "rhs", "used", "smallest_unit"]]


def _without_grid(
    problem: Problem, values: Values, stated: pd.DataFrame, grid: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(stated limits, rows of grids): where nothing is built under a site's power and its grid has no room for a hall,
    the site is one without a grid, as if it had halls of one kind and no power of its own."""
    terms = problem.table("limit_terms").merge(quantities(problem, values), on=TERM_KEY, how="left")
    built = terms["value"].fillna(0.0).abs().groupby(terms["limit"]).sum()
    bare = stated["topic"].str.startswith(SITE_POWER) & (stated["limit"].map(built).fillna(0.0) <= 0)
    bare &= (stated["rhs"] <= 0) | (stated["rhs"] < stated["smallest_unit"])
    names = stated.loc[bare, ["topic", "year"]]
    places = pd.DataFrame({"place": names["topic"].str.removeprefix(SITE_POWER), "period": names["year"]})
    dark = _rows(places.assign(rhs=0.0, used=0.0), "site grid", "rhs", "used")
    lit = grid[~grid["limit"].isin(dark["limit"])] if len(grid) else grid
    return stated[~bare], pd.concat([part for part in (lit, dark) if len(part)] or [grid], ignore_index=True)


def _units(problem: Problem) -> pd.DataFrame:
    """(limit, smallest_unit): the least that one whole unit adds to a limit whose every term counts whole units."""
    whole = [
        problem.table("openings")[["place"]].drop_duplicates().assign(variable="open", integer=True),
        problem.table("blocks").rename(columns={"block": "item"}).assign(variable="built"),
        problem.table("asset_cells")[["place", "asset"]].drop_duplicates().merge(
            problem.table("assets")[["asset", "integer"]]).rename(columns={"asset": "item"}).assign(variable="bought"),
        problem.table("modules").rename(columns={"link": "place", "module": "item"}).drop_duplicates(
            ["place", "item"]).assign(variable="modules"),
    ]
    key = ["variable", "place", "item"]
    named = pd.concat([w.assign(item=w.get("item", ""))[[*key, "integer"]] for w in whole])
    terms = problem.table("limit_terms")
    terms = terms[terms["coefficient"] > 0].merge(named, on=key, how="left")
    terms = terms.assign(counts=terms["integer"].eq(True))
    least = terms.groupby("limit", as_index=False).agg(smallest_unit=("coefficient", "min"), counts=("counts", "all"))
    return least[least["counts"]][["limit", "smallest_unit"]]


def _rows(frame: pd.DataFrame, topic: str, rhs: str, used: str) -> pd.DataFrame:
    return pd.DataFrame({
        "limit": topic + " " + frame["place"] + " " + frame["period"].astype(str), "topic": topic,
        "year": frame["period"], "sense": "<=", "rhs": frame[rhs], "used": frame[used], "smallest_unit": 0.0,
    })


def _grid(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks in service against the most that grid and land allow."""
    cells = problem.table("block_cells")[["place", "block", "period", "max_total"]]
    both = blocks_standing(problem, values).merge(cells, on=["place", "block", "period"])
    topics = "site grid", "on-site power"
    return _by_kind(problem, both[np.isfinite(both["max_total"])], topics, "max_total", "blocks")


def _by_kind(
    problem: Problem, both: pd.DataFrame, topics: tuple[str, str], rhs: str, used: str
) -> pd.DataFrame:
    """Rows of halls under the first topic, those of other blocks (generation, storage) under the second."""
    users = pd.concat([problem.table("asset_uses")["resource"], problem.table("activity_uses")["resource"]])
    blocks = problem.table("blocks")[["place", "block", "resource"]]
    resource = both[["place", "block"]].merge(blocks, on=["place", "block"], how="left")["resource"]
    halls = resource.isin(users).to_numpy() | (not len(users))
    return pd.concat([_rows(both[halls], topics[0], rhs, used), _rows(both[~halls], topics[1], rhs, used)])


def _pace(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks entering service against the most in one year."""
    cells = problem.table("block_cells")[["place", "block", "period", "max"]]
    both = cells.merge(chosen(values, "built"), on=["place", "block", "period"], how="left").fillna({"value": 0.0})
    return _by_kind(problem, both[np.isfinite(both["max"])], ("site pace", "pace of on-site power"), "max", "value")


def _site_power(problem: Problem, values: Values) -> pd.DataFrame:
    """Resource use of what stands against the blocks in service, where there are any."""
    key = ["place", "period"]
    alive = chosen(values, "alive").merge(power_uses(problem), on="asset")
    used = alive.assign(used=alive["value"] * alive["amount"]).groupby(key, as_index=False)[["used"]].sum()
    has = halls_standing(problem, values).groupby(key, as_index=False)[["amount"]].sum()
    both = has[has["amount"] > 0].merge(used, on=key, how="left").fillna({"used": 0.0})
    return _rows(both, "phases full", "amount", "used")


def binding_topics(limits: pd.DataFrame, year: int) -> list[str]:
    """What binds in a year, in words: stated limits by topic, then at how many sites there is no room left."""
    rows = limits[limits["year"] == year]
    stated = rows[rows["binding"] & ~rows["topic"].isin(list(SITE_TOPICS))]["topic"]
    sites = rows[rows["topic"].isin(list(SITE_TOPICS))].groupby(["topic", "limit"], as_index=False).agg(
        rhs=("rhs", "max"), binding=("binding", "any"))  # one for each site: it may have several kinds of halls
    counts = sites[sites["rhs"] > 0].groupby("topic")["binding"].agg(["sum", "count"])
    told = [
        f"{words} at {counts['sum'][topic]:.0f} of {counts['count'][topic]:.0f} sites"
        for topic, words in SITE_TOPICS.items() if topic in counts.index and counts["sum"][topic]
    ]
    grids = sites.loc[sites["topic"] == "site grid", "rhs"]
    told += [f"{NO_GRID} at {(grids <= 0).sum()} of {len(grids)} sites"] if (grids <= 0).any() else []
    return [*dict.fromkeys(str(t) for t in stated), *told]


def nearly_binding(limits: pd.DataFrame, year: int) -> list[str]:
    """Stated limits used to 90 % or more, with their use."""
    rows = limits[(limits["year"] == year) & ~limits["topic"].isin(list(SITE_TOPICS)) & (limits["sense"] == "<=")]
    rows = rows.assign(part=rows["used"] / rows["rhs"].where(rows["rhs"] > 0))
    rows = rows[(rows["part"] >= NEAR) & ~rows["binding"]]
    return [f"{t} used to {p * 100:.0f} %" for t, p in zip(rows["topic"], rows["part"], strict=True)]


def binds_by_year(problem: Problem, limits: pd.DataFrame) -> pd.Series:
    """For each year of the problem, in words, what binds; then what nearly does."""
    years = [int(y) for y in problem.table("periods")["period"]]
    told = {y: "; ".join([*binding_topics(limits, y), *nearly_binding(limits, y)]) for y in years}
    return pd.Series(told, dtype=object)
