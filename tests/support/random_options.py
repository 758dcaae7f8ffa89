"""Random small problems with random subsets of the optional features, from `tiny_problem` and a seed."""

from itertools import pairwise

import numpy as np
import pandas as pd

from capacity.problem import Problem
from tests.support.frames import frame
from tests.support.tiny_problem import tiny_problem

FEATURES = (
    "closing", "ageing", "resale", "reservations", "orders", "energy", "stores", "moves", "dense halls", "training",
    "idle", "losses", "companions",
)


def with_options(seed, features, order=("shortage", "cost")):
    """`tiny_problem(seed)` with the named features turned on, amounts drawn from the seed."""
    base = tiny_problem(seed, order, shape=(2, 2, 1) if "moves" in features else None)
    draw = np.random.default_rng(seed + 10_000)
    tables = {name: table for name, table in base.tables.items() if len(table)}
    makers = {
        "closing": _closing, "ageing": _ageing, "resale": _resale, "reservations": _reservations, "orders": _orders,
        "energy": _energy, "stores": _stores, "moves": _moves, "dense halls": _dense,
        "training": _training, "idle": _idle, "losses": _losses, "companions": _companions,
    }
    for feature in FEATURES:
        if feature in features:
            tables |= makers[feature](draw, tables)
    return Problem.of(tables, name=f"options {seed}")


def _axes(tables):
    return (list(tables["blocks"]["place"].unique()), tables["periods"]["period"].tolist(),
            tables["slices"]["slice"].tolist(), tables["assets"]["asset"].tolist())


def _closing(draw, tables):
    sites, years, _, _ = _axes(tables)
    chosen = [s for s in sites if draw.random() < 0.7] or sites[:1]
    return {
        "holdings": frame("place period objective", *(
            (s, y, float(draw.uniform(0, 10))) for s in chosen for y in years)),
        "block_upkeep": frame("place block period objective", *(
            (s, "b", y, float(draw.uniform(0, 3))) for s in chosen for y in years)),
    }


def _ageing(draw, tables):
    assets = _axes(tables)[3]
    return {"ageing": frame("asset age serving upkeep", *(
        (g, age, float(draw.uniform(0.5, 1.0)), float(draw.uniform(1, 2))) for g in assets for age in (0, 1, 2)))}


def _resale(draw, tables):
    """Below what the unit costs in its year and the year of the sale."""
    years = tables["periods"]["period"].tolist()
    cells = tables["asset_cells"][["place", "asset", "vintage", "objective", "life"]]
    rows = cells.merge(pd.DataFrame({"period": years[1:]}, dtype="int64"), how="cross")
    rows = rows[(rows["vintage"] < rows["period"]) & (rows["period"] < rows["vintage"] + rows["life"])]
    return {"resale": rows.assign(objective=rows["objective"] * float(draw.uniform(0.1, 0.5)))[
        ["place", "asset", "vintage", "period", "objective"]].reset_index(drop=True)}


def _reservations(draw, tables):
    sites, years, _, assets = _axes(tables)
    return {"reservations": frame("place asset contract period life max objective cash", *(
        (s, g, "term", y, 2, float(draw.uniform(1, 8)), *([float(draw.uniform(1, 6))] * 2))
        for s in sites for g in assets for y in years))}


def _orders(draw, tables):
    cells = tables["asset_cells"]
    names = "order " + cells["asset"] + " " + cells["vintage"].astype(str)
    terms = pd.DataFrame({
        "order": names, "variable": "bought", "place": cells["place"], "item": cells["asset"],
        "period": cells["vintage"], "coefficient": 1.0,
    })
    heads = names.drop_duplicates()
    return {"order_terms": terms, "orders": pd.DataFrame({
        "order": heads, "least": draw.integers(1, 4, len(heads)).astype(float),
        "objective": draw.uniform(0, 5, len(heads))}).reset_index(drop=True)}


def _energy(draw, tables):
    sites, years, slices, _ = _axes(tables)
    activities = tables["activities"]["activity"]
    kinds = (("grid", lambda: float(draw.uniform(5, 30))), ("clean", lambda: np.inf))
    return {
        "draws": frame("place activity period amount", *(
            (s, a, y, float(draw.uniform(0.2, 1.5))) for s in sites for a in activities for y in years)),
        "block_draws": frame("place block amount", *((s, "b", float(draw.uniform(0, 1))) for s in sites)),
        "sources": frame("place source period slice max objective", *(
            (s, name, y, h, most(), float(draw.uniform(0.1, 1)) * (1 if name == "grid" else 2))
            for s in sites for name, most in kinds for y in years for h in slices)),
        "source_blocks": frame("place source block amount", *((s, "grid", "b", 3.0) for s in sites)),
    }


def _stores(draw, tables):
    """Only where energy is drawn: each block holds a battery of 1 MW for three hours."""
    sites = _axes(tables)[0]
    energy = {} if "sources" in tables else _energy(draw, tables)
    return energy | {"stores": frame(
        "place store block power energy efficiency", *((s, "battery", "b", 1.0, 3.0, 0.85) for s in sites))}


def _idle(draw, tables):
    """Only where energy is drawn: what stands draws up to half a MW a unit."""
    sites, _, _, assets = _axes(tables)
    energy = {} if "sources" in tables else _energy(draw, tables)
    return energy | {"idle_draws": frame("place asset per_unit per_amount", *(
        (s, g, float(draw.uniform(0, 0.5)), float(draw.uniform(0, 0.5))) for s in sites for g in assets))}


def _losses(draw, tables):
    """Each site lost by itself in one slice of each year from a year on; a class may keep a share of its own.

    Fixed ways over links could not be lost: there are none then.
    """
    sites, years, slices, _ = _axes(tables)
    keep, since = float(draw.uniform(0.2, 1)), int(draw.choice(years))
    made = {"failures": frame("case kind element period slice keep", *(
        (f"loss of {s}", "place", s, y, slices[0], keep) for s in sites for y in years if y >= since))}
    ways = ("links", "modules", "serve_loads", "open_loads")
    made |= {name: tables[name].iloc[:0] for name in ways if name in tables}
    if draw.random() < 0.5:
        made["keeps"] = frame("case commodity keep", (f"loss of {sites[0]}", "c", float(draw.uniform(0, 1))))
    return made


def _companions(draw, tables):
    """Each site but the last serves only beside the next one."""
    sites = _axes(tables)[0]
    return {"companions": frame("place commodity companion", *((s, "c", q) for s, q in pairwise(sites)))}


def _moves(draw, tables):
    years = tables["periods"]["period"].tolist()
    return {"moves": frame("commodity period max_share objective", *(
        ("c", y, float(draw.uniform(0, 0.6)), float(draw.uniform(0, 0.5))) for y in years[1:]))}


def _training(draw, tables):
    """A small run in the first period, on rent that is there for it, so that no draw of machines lacks its room."""
    sites, years, _, assets = _axes(tables)
    rent = tables["rentals"] if "rentals" in tables else frame("place asset period max objective")
    there = (rent["place"] == sites[0]) & (rent["asset"] == assets[0]) & (rent["period"] == years[0])
    price = float(draw.uniform(2, 8))
    offer = frame("place asset period max objective cash", (sites[0], assets[0], years[0], 8.0, price, price))
    rent = rent if "cash" in rent else rent.assign(cash=0.0)
    return {
        "rentals": pd.concat([rent[~there], offer], ignore_index=True),
        "training": frame("place asset run period amount draw objective", *(
            (s, g, "big", years[0], float(draw.uniform(1, 4)), float(draw.uniform(0, 1)) * ("sources" in tables),
             float(draw.uniform(0, 3))) for s in sites for g in assets)),
    }


def _dense(draw, tables):
    """A dearer second kind of hall at each site, and half of each unit's power needs it."""
    sites = _axes(tables)[0]
    hall = tables["blocks"].assign(block="dense", existing=0.0)
    cells = tables["block_cells"].assign(block="dense", objective=lambda t: t["objective"] * 1.5)
    uses = tables["asset_uses"].assign(resource="dense racks", amount=lambda t: t["amount"] / 2)
    return {
        "blocks": pd.concat([tables["blocks"], hall], ignore_index=True),
        "block_cells": pd.concat([tables["block_cells"], cells], ignore_index=True),
        "block_resources": frame("place block resource amount", *(
            (s, "dense", "dense racks", float(draw.uniform(5, 15))) for s in sites)),
        "asset_uses": pd.concat([tables["asset_uses"], uses], ignore_index=True),
    }
