"""What binds: every limit of the problem, and where sites have no room left."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.plan.audit_rows import limit_use
from capacity.plan.columns import conform
from capacity.plan.quantities import Values, blocks_standing, chosen
from capacity.problem import Problem

ALMOST = 0.99
"""Share of a limit from which on it binds: pods and phases are whole, so the last percent is often out of reach."""

NEAR = 0.9
"""Share of a limit from which on it is worth naming where nothing binds."""


def limits_table(problem: Problem, values: Values) -> pd.DataFrame:
    """Plan table `limits`: those of the problem, then those of each site: grid, pace of building, power of phases."""
    parts = [_stated(problem, values), _grid(problem, values), _pace(problem, values), _site_power(problem, values)]
    whole = pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)
    gap = whole["rhs"] - whole["used"]
    slack = gap.where(whole["sense"] == "<=", (-gap).where(whole["sense"] == ">=", -gap.abs()))
    at_least, at_most = whole["used"] * ALMOST <= whole["rhs"], whole["used"] >= ALMOST * whole["rhs"]
    full = np.where(whole["sense"] == ">=", at_least, at_most)
    return conform("limits", whole.assign(slack=slack, binding=full | (whole["sense"] == "==")))


def _stated(problem: Problem, values: Values) -> pd.DataFrame:
    used = limit_use(problem, values).rename(columns={"period": "year"})
    return used[["limit", "topic", "year", "sense", "rhs", "used"]]


def _rows(frame: pd.DataFrame, topic: str, rhs: str, used: str) -> pd.DataFrame:
    return pd.DataFrame({
        "limit": topic + " " + frame["place"] + " " + frame["period"].astype(str), "topic": topic,
        "year": frame["period"], "sense": "<=", "rhs": frame[rhs], "used": frame[used],
    })


def _grid(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks in service against the most that grid and land allow."""
    cells = problem.table("block_cells")[["place", "block", "period", "max_total"]]
    both = blocks_standing(problem, values).merge(cells, on=["place", "block", "period"])
    return _rows(both[np.isfinite(both["max_total"])], "site grid", "max_total", "blocks")


def _pace(problem: Problem, values: Values) -> pd.DataFrame:
    """Blocks entering service against the most in one year."""
    cells = problem.table("block_cells")[["place", "block", "period", "max"]]
    both = cells.merge(chosen(values, "built"), on=["place", "block", "period"], how="left").fillna({"value": 0.0})
    return _rows(both[np.isfinite(both["max"])], "site pace", "max", "value")


def _site_power(problem: Problem, values: Values) -> pd.DataFrame:
    """Resource use of what stands against the blocks in service, where there are any."""
    key = ["place", "period"]
    alive = chosen(values, "alive").merge(problem.table("asset_uses"), on="asset")
    used = alive.assign(used=alive["value"] * alive["amount"]).groupby(key, as_index=False)[["used"]].sum()
    has = blocks_standing(problem, values).groupby(key, as_index=False)[["amount"]].sum()
    both = has[has["amount"] > 0].merge(used, on=key, how="left").fillna({"used": 0.0})
    return _rows(both, "phases full", "amount", "used")


def binds_by_year(problem: Problem, limits: pd.DataFrame) -> pd.Series:
    """For each year of the problem, in words, what binds: stated limits by topic, then sites without room.

    Where no stated limit binds, those used to 90 % or more are named with their use.
    """
    years = problem.table("periods")["period"]
    site_topics = {"site grid": "grid", "site pace": "pace of building", "phases full": "phases"}
    stated = limits[~limits["topic"].isin(list(site_topics))]
    said = stated[stated["binding"]].assign(said=lambda t: t["topic"])
    near = stated.assign(part=stated["used"] / stated["rhs"].where(stated["rhs"] > 0))
    near = near[(near["sense"] == "<=") & (near["part"] >= NEAR) & ~near["year"].isin(said["year"])]
    near = near.assign(said=[f"{t} used to {p * 100:.0f} %" for t, p in zip(near["topic"], near["part"], strict=True)])
    named = pd.concat([said, near]).groupby("year")["said"].agg(lambda t: ", ".join(dict.fromkeys(t)))
    words = {int(y): [str(named[y])] if y in named.index else [] for y in years}
    sites = limits[limits["topic"].isin(list(site_topics)) & (limits["rhs"] > 0)]
    counts = sites.groupby(["year", "topic"])["binding"].agg(["sum", "count"])
    for row in counts.reset_index().to_dict("records"):
        if row["sum"] and row["year"] in words:
            words[row["year"]].append(f"{site_topics[row['topic']]} at {row['sum']:.0f} of {row['count']:.0f} sites")
    return pd.Series({y: "; ".join(w) for y, w in words.items()}, dtype=object)
