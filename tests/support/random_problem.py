"""Random planning problems by hand: sites, phases, pods with vintages, regions, supply and power limits."""

import numpy as np
import pandas as pd

from capacity.problem import Problem


def random_problem(
    seed=0, sites=4, years=3, designs=2, classes=1, regions=3, slices=1, pod=1.0, scarcity=1.0, life=3,
    goals=("shortage", "cost"),
):
    """A feasible, plausible Problem: amounts in thousands, money in millions, power in MW."""
    rng = np.random.default_rng(seed)
    axes = {
        "place": [f"s{i}" for i in range(sites)], "period": list(range(2027, 2027 + years)),
        "asset": [f"g{i}" for i in range(designs)], "commodity": [f"c{i}" for i in range(classes)],
        "region": [f"r{i}" for i in range(regions)], "slice": [f"h{i}" for i in range(slices)],
    }
    tables = {
        "periods": pd.DataFrame({"period": axes["period"]}),
        "slices": pd.DataFrame({"slice": axes["slice"], "hours": 8766.0 / slices}),
        "places": pd.DataFrame({
            "place": axes["place"] + axes["region"], "kind": ["site"] * sites + ["region"] * regions}),
        "assets": pd.DataFrame({"asset": axes["asset"], "unit_size": pod}),
        "goals": pd.DataFrame({"order": range(1, len(goals) + 1), "goal": list(goals)}),
    }
    discount = {y: 1.09 ** -(y - 2027) for y in axes["period"]}
    tables |= _sites(rng, axes, discount)
    room = tables["block_cells"].groupby("place")["max_total"].first().to_dict()
    fleet, performance = _fleet(rng, axes, discount, room, pod, life)
    tables |= fleet
    tables |= _activities(rng, axes, discount, performance)
    tables |= _demand(rng, axes, scarcity)
    tables |= _supply(axes, tables["asset_cells"], pod)
    return Problem.of(tables, name=f"random {seed}")


def _grid(axes, *names):
    """All combinations of some axes, the first outermost."""
    return pd.MultiIndex.from_product([axes[n] for n in names], names=names).to_frame(index=False)


def _by(names, values):
    return dict(zip(names, values, strict=True))


def _sites(rng, axes, discount):
    sites = axes["place"]
    blocks = pd.DataFrame({
        "place": sites, "block": "phase", "resource": "power", "capacity": 100.0 / rng.uniform(1.1, 1.4, len(sites))})
    openings = _grid(axes, "place", "period")
    price = _by(sites, rng.uniform(100, 600, len(sites)))
    openings["objective"] = openings["place"].map(price) * openings["period"].map(discount)
    cells = _grid(axes, "place", "period").assign(block="phase", max=4.0)
    price = _by(sites, rng.uniform(800, 1300, len(sites)))
    cells["objective"] = cells["place"].map(price) * cells["period"].map(discount)
    cells["max_total"] = cells["place"].map(_by(sites, rng.integers(3, 12, len(sites)))).astype(float)
    return {
        "blocks": blocks, "openings": openings.assign(cash=openings["objective"]),
        "block_cells": cells.assign(cash=cells["objective"]),
    }


def _fleet(rng, axes, discount, room, pod, life):
    """(tables, amount made by each asset): later designs make more and cost more."""
    assets, years = axes["asset"], axes["period"]
    first = {k: int(rng.integers(0, max(1, len(years) - 1))) if i else 0 for i, k in enumerate(assets)}
    performance = {k: 30 * 1.4 ** first[k] * rng.uniform(0.8, 1.2) for k in assets}
    price = {k: 40.0 * 1.15 ** first[k] * rng.uniform(0.7, 1.3) for k in assets}
    mw = _by(assets, rng.uniform(1.4, 2.6, len(assets)))
    buy = _grid(axes, "place", "asset", "period").rename(columns={"period": "vintage"})
    age = buy["vintage"] - years[0] - buy["asset"].map(first)
    buy = buy[age >= 0].copy()
    buy["cash"] = buy["asset"].map(price) * pod * 0.95**age
    left = (years[-1] + 1 - buy["vintage"]).clip(upper=life) / life
    buy["objective"] = buy["cash"] * buy["vintage"].map(discount) * left
    buy["life"] = life
    buy["max"] = np.floor(buy["place"].map(room) * 90 / (buy["asset"].map(mw) * pod))
    uses = pd.DataFrame({"asset": assets, "resource": "power", "amount": [mw[k] * pod for k in assets]})
    return {"asset_cells": buy, "asset_uses": uses}, performance


def _activities(rng, axes, discount, performance):
    """Two configurations of each asset and commodity: 120 ms of slack, or 400 ms for 15 % less."""
    table = _grid({**axes, "plan": [0, 1]}, "asset", "commodity", "plan")
    table["activity"] = table["asset"] + table["commodity"] + table["plan"].astype(str)
    table["output_per_unit"] = table["asset"].map(performance) * rng.uniform(0.7, 1.1, len(table))
    table["output_per_unit"] *= np.where(table["plan"], 0.85, 1.0)
    table["slack"] = np.where(table["plan"], 400.0, 120.0)
    running = _grid({**axes, "activity": list(table["activity"])}, "place", "activity", "period")
    running["objective"] = rng.uniform(0.5, 1.5, len(running)) * running["period"].map(discount)
    return {"activities": table.drop(columns="plan"), "activity_costs": running}


def _demand(rng, axes, scarcity):
    table = _grid({**axes, "place": axes["region"]}, "place", "commodity", "period", "slice")
    table["demand"] = table["place"] + table["commodity"] + table["period"].astype(str) + table["slice"]
    growth = 1.9 ** (table["period"] - axes["period"][0])
    table["amount"] = rng.uniform(50, 150, len(table)) * growth * scarcity
    pairs = table[["demand", "place"]].rename(columns={"place": "region"})
    pairs = pairs.merge(pd.DataFrame({"place": axes["place"]}), how="cross")
    rtt = {(r, p): rng.uniform(5, 300) for r in axes["region"] for p in axes["place"]}
    pairs["rtt"] = [rtt[at] for at in zip(pairs["region"], pairs["place"], strict=True)]
    return {"demands": table, "assignments": pairs[["demand", "place", "rtt"]]}


def _supply(axes, cells, pod):
    """Twelve thousand accelerators for each site in the first year, half as many more each year."""
    years = axes["period"]
    limits = pd.DataFrame({
        "limit": [f"supply {y}" for y in years], "topic": "supply", "period": years,
        "rhs": [len(axes["place"]) * 12.0 * 1.5**i for i in range(len(years))],
    })
    terms = cells[["place", "asset", "vintage"]].rename(columns={"asset": "item", "vintage": "period"})
    terms = terms.assign(variable="bought", coefficient=pod, limit="supply " + terms["period"].astype(str))
    return {"limits": limits, "limit_terms": terms}
