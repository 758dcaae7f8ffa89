"""Planning problems of a stated size: sites, phases, pods with vintages, regions, latency, power and supply limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from capacity.problem import Problem

SHAPES = {
    10_000: {"sites": 12, "years": 6, "designs": 5, "classes": 2, "regions": 10, "slices": 2},
    100_000: {"sites": 35, "years": 8, "designs": 7, "classes": 4, "regions": 18, "slices": 3},
    1_000_000: {"sites": 80, "years": 10, "designs": 12, "classes": 6, "regions": 20, "slices": 5},
}
"""Sizes by the number of columns they come to, about."""

LIFE = 5


def problem_of(columns: int, seed: int = 0) -> Problem:
    """A problem of about so many columns; KeyError for a size that is not in SHAPES."""
    shape, rng = SHAPES[columns], np.random.default_rng(seed)
    axes = {
        "place": [f"site {i}" for i in range(shape["sites"])], "asset": [f"pod {i}" for i in range(shape["designs"])],
        "period": list(range(2027, 2027 + shape["years"])), "slice": [f"hours {i}" for i in range(shape["slices"])],
        "commodity": [f"class {i}" for i in range(shape["classes"])],
        "region": [f"region {i}" for i in range(shape["regions"])],
    }
    tables = _world(rng, axes) | _fleet(rng, axes) | _service(rng, axes)
    return Problem.of(tables, name=f"{columns:,} columns")


def grid(axes: dict[str, list], names: Sequence[str]) -> pd.DataFrame:
    """All combinations of some axes, the first outermost."""
    return pd.MultiIndex.from_product([axes[n] for n in names], names=names).to_frame(index=False)


def _world(rng: np.random.Generator, axes: dict[str, list]) -> dict[str, pd.DataFrame]:
    sites, hours = axes["place"], 8766.0 / len(axes["slice"])
    cells = grid(axes, ["place", "period"])
    n = len(cells)
    return {
        "periods": pd.DataFrame({"period": axes["period"]}),
        "slices": pd.DataFrame({"slice": axes["slice"], "hours": hours}),
        "places": pd.DataFrame({
            "place": sites + axes["region"], "kind": ["site"] * len(sites) + ["region"] * len(axes["region"])}),
        "openings": cells.assign(objective=rng.uniform(100, 600, n)),
        "blocks": pd.DataFrame({
            "place": sites, "block": "phase", "resource": "power", "capacity": rng.uniform(70, 90, len(sites))}),
        "block_cells": cells.assign(block="phase", max=4.0, max_total=9.0, objective=rng.uniform(800, 1300, n)),
        "goals": pd.DataFrame({"order": [1, 2], "goal": ["shortage", "cost"]}),
    }


def _fleet(rng: np.random.Generator, axes: dict[str, list]) -> dict[str, pd.DataFrame]:
    cells = grid({**axes, "vintage": axes["period"]}, ["place", "asset", "vintage"])
    cells = cells.assign(max=400.0, objective=rng.uniform(20, 60, len(cells)), life=LIFE)
    upkeep = grid(axes, ["place", "asset", "period"])
    terms = cells[["place", "asset", "vintage"]].rename(columns={"asset": "item", "vintage": "period"})
    years = axes["period"]
    return {
        "assets": pd.DataFrame({"asset": axes["asset"], "unit_size": 1.0}),
        "asset_cells": cells,
        "asset_uses": pd.DataFrame({
            "asset": axes["asset"], "resource": "power", "amount": rng.uniform(1.4, 2.6, len(axes["asset"]))}),
        "upkeep": upkeep.assign(objective=rng.uniform(0.1, 0.4, len(upkeep))),
        "limits": pd.DataFrame({
            "limit": [f"supply {y}" for y in years], "topic": "supply", "period": years,
            "rhs": [len(axes["place"]) * 12.0 * 1.5**i for i in range(len(years))]}),
        "limit_terms": terms.assign(variable="bought", coefficient=1.0, limit="supply " + terms["period"].astype(str)),
    }


def _service(rng: np.random.Generator, axes: dict[str, list]) -> dict[str, pd.DataFrame]:
    plans = grid({**axes, "plan": ["near", "far"]}, ["asset", "commodity", "plan"])
    plans["activity"] = plans["asset"] + " " + plans["commodity"] + " " + plans["plan"]
    plans["output_per_unit"] = rng.uniform(20, 60, len(plans))
    plans["slack"] = np.where(plans["plan"] == "far", 400.0, 120.0)
    running = grid({**axes, "activity": plans["activity"].tolist()}, ["place", "activity", "period"])
    demands = grid({**axes, "place": axes["region"]}, ["place", "commodity", "period", "slice"])
    names = demands["place"] + " " + demands["commodity"] + " " + demands["period"].astype(str)
    demands["demand"] = names + " " + demands["slice"]
    demands["amount"] = rng.uniform(50, 150, len(demands))
    sites, regions = len(axes["place"]), len(axes["region"])
    trips = rng.uniform(5, 300, (regions, sites))
    return {
        "activities": plans.drop(columns="plan"),
        "activity_costs": running.assign(objective=rng.uniform(0.5, 1.5, len(running))),
        "demands": demands,
        "assignments": pd.DataFrame({
            "demand": np.repeat(demands["demand"].to_numpy(), sites), "place": np.tile(axes["place"], len(demands)),
            "rtt": np.repeat(trips, len(demands) // regions, axis=0).ravel()}),
    }
