"""Tiny random problems whose whole-number columns can be counted out, with every table of the waist taking part."""

import numpy as np
import pandas as pd

from capacity.problem import Problem
from tests.support.frames import frame

SHAPES = ((1, 1, 2), (1, 2, 1), (2, 1, 1))
"""Sites, periods and assets: few enough that every choice of whole numbers can be tried."""


def tiny_problem(seed, order=("shortage", "cost"), shape=None):
    """A problem of `shape`; by chance rent, old stock, links, shares, a budget, single sources."""
    draw = np.random.default_rng(seed)
    count = shape or SHAPES[seed % len(SHAPES)]
    sites, assets = [f"s{i}" for i in range(count[0])], [f"g{i}" for i in range(count[2])]
    years = list(range(2027, 2027 + count[1]))
    regions, slices = [f"r{i}" for i in range(draw.integers(1, 3))], [f"h{i}" for i in range(draw.integers(1, 3))]
    life = int(draw.integers(1, 3))
    chance = lambda p: bool(draw.random() < p)  # noqa: E731
    discount = {y: 0.9 ** (y - years[0]) for y in years}
    tables = {
        "periods": pd.DataFrame({"period": years}),
        "slices": pd.DataFrame({"slice": slices, "hours": draw.uniform(1000, 4000, len(slices))}),
        "places": frame("place kind", *((s, "site") for s in sites), *((r, "region") for r in regions)),
        "assets": pd.DataFrame({"asset": assets, "unit_size": draw.uniform(5, 15, len(assets)).round(1)}),
        "asset_uses": frame("asset resource amount", *((g, "power", float(draw.integers(3, 9))) for g in assets)),
        "goals": frame("order goal", *enumerate(order, start=1)),
    }
    must_open = [s for s in sites if chance(0.7)]
    tables |= _sites(draw, sites, years, discount, must_open)
    tables |= _fleet(draw, sites, years, discount, assets, life, chance)
    tables |= _service(draw, sites, years, slices, assets, regions, discount)
    if len(sites) > 1 and chance(0.5):
        tables |= _links(draw, sites, years, tables["demands"])
    if chance(0.3):
        tables["shares"] = frame("commodity group max_share", ("c", "big", 0.6))
    if chance(0.5):
        tables |= _budget(draw, tables["asset_cells"])
    return Problem.of(tables, name=f"tiny {seed}")


def _sites(draw, sites, years, discount, must_open):
    cells = [
        (s, "b", y, float(draw.integers(1, 3)), 2.0, float(draw.uniform(5, 15)) * discount[y])
        for s in sites for y in years
    ]
    openings = [(s, y, float(draw.uniform(1, 20)) * discount[y]) for s in must_open for y in years]
    existing = [0.0 if s in must_open else float(draw.integers(0, 2)) for s in sites]
    return {
        "openings": frame("place period objective", *openings),
        "blocks": pd.DataFrame({
            "place": sites, "block": "b", "resource": "power",
            "capacity": draw.integers(8, 16, len(sites)).astype(float), "life": int(draw.integers(1, 4)),
            "existing": existing,
        }),
        "block_cells": frame("place block period max max_total objective", *cells),
    }


def _fleet(draw, sites, years, discount, assets, life, chance):
    cells = [
        (s, g, y, float(draw.integers(1, 3)), float(draw.uniform(10, 30)) * discount[y], life)
        for s in sites for g in assets for y in years
    ]
    upkeep = [(s, g, y, float(draw.uniform(0, 3))) for s in sites for g in assets for y in years]
    old = [(s, assets[0], years[0] - 1, 1.0, 2) for s in sites if chance(0.3)]
    rent = [
        (s, assets[0], y, float(draw.uniform(1, 6)), float(draw.uniform(2, 8)))
        for s in sites for y in years if chance(0.4)
    ]
    return {
        "asset_cells": frame("place asset vintage max objective life", *cells),
        "upkeep": frame("place asset period objective", *upkeep),
        "committed": frame("place asset vintage count life", *old),
        "rentals": frame("place asset period max objective", *rent),
    }


def _service(draw, sites, years, slices, assets, regions, discount):
    kinds = (("fast", "little", 50.0, 1.0), ("slow", "big", 150.0, 1.6))
    activities = [
        (f"{g} {name}", g, "c", group, float(draw.uniform(0.8, 1.2)) * more, slack)
        for g in assets for name, group, slack, more in kinds
    ]
    running = [(s, a[0], y, float(draw.uniform(0, 0.4))) for s in sites for a in activities for y in years]
    keys = [(r, y, h) for r in regions for y in years for h in slices]
    demands = [
        (f"{r} {y} {h}", r, "c", y, h, float(draw.uniform(5, 25)), float(draw.integers(1, 3)),
         float(draw.uniform(0.5, 5)) * discount[y], bool(draw.random() < 0.1))
        for r, y, h in keys
    ]
    rtt = {(r, s): float(draw.uniform(5, 170)) for r in regions for s in sites}
    return {
        "activities": frame("activity asset commodity group output_per_unit slack", *activities),
        "activity_costs": frame("place activity period objective", *running),
        "demands": frame("demand place commodity period slice amount weight shortage_price single_source", *demands),
        "assignments": frame(
            "demand place rtt unit_cost",
            *((d[0], s, rtt[d[1], s], float(draw.uniform(0, 0.2))) for d in demands for s in sites),
        ),
    }


def _links(draw, sites, years, demands):
    first, second = sites[:2]
    return {
        "links": frame("link from to existing", ("wire", first, second, 5.0)),
        "modules": frame("link module period capacity max objective life", *(
            ("wire", "wave", y, 20.0, 1.0, float(draw.uniform(1, 6)), 2) for y in years)),
        "serve_loads": frame("link demand place load", *(("wire", d, second, 1.0) for d in demands["demand"])),
        "open_loads": frame("link place period load", *(("wire", second, y, 2.0) for y in years)),
    }


def _budget(draw, cells):
    whole = float((cells["max"] * cells["objective"]).sum())
    terms = cells.rename(columns={"asset": "item", "vintage": "period", "objective": "coefficient"})
    terms = terms[["place", "item", "period", "coefficient"]].assign(limit="budget", variable="bought")
    return {
        "limits": frame("limit topic sense rhs", ("budget", "budget", "<=", whole * float(draw.uniform(0.2, 0.8)))),
        "limit_terms": terms,
    }
