"""Random planning problems by hand: sites, phases, pods with vintages, regions, supply and power limits."""

import numpy as np
import pandas as pd

from capacity.problem import Problem


def random_problem(
    seed=0, sites=4, years=3, designs=2, classes=1, regions=3, slices=1, pod=1.0, scarcity=1.0, life=3, goals=("shortage", "cost")
):
    """A feasible, plausible Problem: amounts in thousands, money in millions, power in MW."""
    rng = np.random.default_rng(seed)
    P, Y = [f"s{i}" for i in range(sites)], list(range(2027, 2027 + years))
    K, C, R = [f"g{i}" for i in range(designs)], [f"c{i}" for i in range(classes)], [f"r{i}" for i in range(regions)]
    H = [f"h{i}" for i in range(slices)]
    grid = lambda **axes: pd.MultiIndex.from_product(axes.values(), names=axes.keys()).to_frame(index=False)  # noqa: E731
    disc = {y: 1.09 ** -(y - Y[0]) for y in Y}
    t = {
        "periods": pd.DataFrame({"period": Y}),
        "slices": pd.DataFrame({"slice": H, "hours": 8766.0 / slices}),
        "places": pd.DataFrame({"place": P + R, "kind": ["site"] * sites + ["region"] * regions}),
        "blocks": pd.DataFrame({"place": P, "block": "phase", "resource": "power", "capacity": 100.0 / rng.uniform(1.1, 1.4, sites)}),
        "assets": pd.DataFrame({"asset": K, "unit_size": pod}),
    }
    openings = grid(place=P, period=Y)
    openings["objective"] = openings["place"].map(dict(zip(P, rng.uniform(100, 600, sites), strict=True))) * openings["period"].map(disc)
    openings["cash"] = openings["objective"]
    cells = grid(place=P, block=["phase"], period=Y)
    cells["objective"] = cells["place"].map(dict(zip(P, rng.uniform(800, 1300, sites), strict=True))) * cells["period"].map(disc)
    cells["cash"] = cells["objective"]
    cells["max"] = 4.0
    limit = dict(zip(P, rng.integers(3, 12, sites), strict=True))
    cells["max_total"] = cells["place"].map(limit).astype(float)
    first = {k: int(rng.integers(0, max(1, years - 1))) if i else 0 for i, k in enumerate(K)}
    perf = {k: 30 * 1.4 ** first[k] * rng.uniform(0.8, 1.2) for k in K}
    price = {k: 40.0 * 1.15 ** first[k] * rng.uniform(0.7, 1.3) for k in K}
    mw = dict(zip(K, rng.uniform(1.4, 2.6, designs), strict=True))
    buy = grid(place=P, asset=K, vintage=Y)
    buy = buy[buy["vintage"] - Y[0] >= buy["asset"].map(first)].copy()
    buy["cash"] = buy["asset"].map(price) * pod * 0.95 ** (buy["vintage"] - Y[0] - buy["asset"].map(first))
    left = (Y[-1] + 1 - buy["vintage"]).clip(upper=life) / life
    buy["objective"] = buy["cash"] * buy["vintage"].map(disc) * left
    buy["life"] = life
    buy["max"] = np.floor(buy["place"].map(limit) * 90 / (buy["asset"].map(mw) * pod))
    acts = grid(asset=K, commodity=C, plan=[0, 1])
    acts["activity"] = acts["asset"] + acts["commodity"] + acts["plan"].astype(str)
    acts["output_per_unit"] = acts["asset"].map(perf) * rng.uniform(0.7, 1.1, len(acts)) * np.where(acts["plan"], 0.85, 1.0)
    acts["slack"] = np.where(acts["plan"], 400.0, 120.0)
    running = grid(place=P, activity=list(acts["activity"]), period=Y)
    running["objective"] = rng.uniform(0.5, 1.5, len(running)) * running["period"].map(disc)
    demand = grid(place=R, commodity=C, period=Y, slice=H)
    demand["demand"] = demand["place"] + demand["commodity"] + demand["period"].astype(str) + demand["slice"]
    demand["amount"] = rng.uniform(50, 150, len(demand)) * 1.9 ** (demand["period"] - Y[0]) * scarcity
    assign = demand[["demand", "place"]].rename(columns={"place": "region"}).merge(pd.DataFrame({"place": P}), how="cross")
    rtt = {(r, p): rng.uniform(5, 300) for r in R for p in P}
    assign["rtt"] = [rtt[i] for i in zip(assign["region"], assign["place"], strict=True)]
    limits = pd.DataFrame({"limit": [f"supply {y}" for y in Y], "topic": "supply", "rhs": [sites * 12.0 * 1.5**i for i in range(years)], "period": Y})
    terms = buy[["place", "asset", "vintage"]].rename(columns={"asset": "item", "vintage": "period"})
    terms = terms.assign(variable="bought", coefficient=pod, limit="supply " + terms["period"].astype(str))
    t |= {
        "openings": openings, "block_cells": cells, "asset_cells": buy,
        "asset_uses": pd.DataFrame({"asset": K, "resource": "power", "amount": [mw[k] * pod for k in K]}),
        "activities": acts[["activity", "asset", "commodity", "output_per_unit", "slack"]], "activity_costs": running,
        "demands": demand, "assignments": assign[["demand", "place", "rtt"]], "limits": limits, "limit_terms": terms,
        "goals": pd.DataFrame({"order": range(1, len(goals) + 1), "goal": list(goals)}),
    }
    return Problem.of(t, name=f"random {seed}")
