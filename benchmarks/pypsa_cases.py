"""Random multi-year expansion cases, told once and translated twice: to the waist's tables and to PyPSA's components.

Sites build phases of MW; accelerators of several vintages stand for their life and draw power as they run; links carry
what is made to regions; demand comes by year and slice, and may be short at a price. The two translations share nothing
but the numbers of the case.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from capacity.problem import Problem

HOURS = 24.0
"""Length of the year of a case: its slices sum to it."""


@dataclass(frozen=True)
class Case:
    """Sites, kinds of accelerators, links, old stock and demand, one row each; `whole`: units are bought whole."""

    seed: int
    whole: bool
    years: tuple[int, ...]
    discount: dict[int, float]
    slices: dict[str, float]
    sites: pd.DataFrame
    kinds: pd.DataFrame
    prices: pd.DataFrame
    old: pd.DataFrame
    links: pd.DataFrame
    demand: pd.DataFrame
    short_price: float

    def weight(self, first: int, life: float) -> float:
        """Present value of 1 a year from `first` on, for `life` years inside the horizon."""
        return sum(d for y, d in self.discount.items() if first <= y < first + life)


def case(seed: int) -> Case:
    """A case of two or three sites, years, kinds and regions; every second one in whole units."""
    draw = np.random.default_rng(seed)
    sites, kinds, regions = ([f"{c}{i}" for i in range(draw.integers(2, 4))] for c in "skr")
    years = tuple(range(2030, 2030 + int(draw.integers(2, 5))))
    rate, count = float(draw.uniform(0.03, 0.15)), int(draw.integers(1, 4))
    lengths = draw.dirichlet(np.ones(count) * 4) * HOURS
    slices = {f"h{i}": float(hours) for i, hours in enumerate(lengths)}
    about = pd.DataFrame({
        "kind": kinds, "amount": draw.uniform(20, 60, len(kinds)).round(1),
        "mw": draw.uniform(1, 3, len(kinds)).round(2), "life": draw.integers(1, 4, len(kinds)),
        "first": [years[0], *(int(y) for y in draw.choice(years, len(kinds) - 1))],
        "upkeep": draw.uniform(0.5, 2, len(kinds)), "running": draw.uniform(0.001, 0.01, len(kinds)),
    })
    price, falls = draw.uniform(8, 20, len(kinds)), float(draw.uniform(0.75, 0.98))
    prices = pd.DataFrame([
        (s, kind, y, float(price[i] * falls**n * draw.uniform(0.9, 1.1)))
        for s in sites for i, kind in enumerate(kinds) for n, y in enumerate(years) if y >= about["first"][i]
    ], columns=["site", "kind", "year", "price"])
    return Case(
        seed, seed % 2 == 1, years, {y: (1 + rate) ** (years[0] - y) for y in years}, slices,
        pd.DataFrame({
            "site": sites, "mw": draw.uniform(6, 15, len(sites)).round(1), "most": draw.integers(2, 5, len(sites)),
            "price": draw.uniform(20, 60, len(sites)), "upkeep": draw.uniform(1, 4, len(sites)),
            "old": draw.integers(0, 2, len(sites)),
        }),
        about, prices,
        pd.DataFrame([
            (s, kinds[0], years[0] - 1, float(draw.integers(1, 4)), int(draw.integers(2, 4)))
            for s in sites if draw.random() < 0.5
        ], columns=["site", "kind", "entered", "count", "life"]),
        pd.DataFrame([
            (s, r, float(draw.uniform(30, 80)), float(draw.uniform(2, 8)), int(draw.integers(2, 9)),
             float(draw.uniform(0, 0.01))) for s in sites for r in regions
        ], columns=["site", "region", "amount", "price", "life", "carriage"]),
        pd.DataFrame([
            (r, y, h, float(draw.uniform(30, 90) * 1.3**n)) for r in regions for n, y in enumerate(years)
            for h in slices
        ], columns=["region", "year", "slice", "amount"]),
        float(draw.uniform(0.02, 0.3)),
    )


# ---- the waist ------------------------------------------------------------------------------------------------------


def as_problem(given: Case) -> Problem:
    """The case as tables of the waist."""
    most = float(given.demand.groupby(["year", "slice"])["amount"].sum().max())
    demand = given.demand.assign(
        demand=given.demand["region"] + given.demand["year"].astype(str) + given.demand["slice"],
        worth=given.demand["slice"].map(given.slices) * given.demand["year"].map(given.discount))
    served = demand[["demand", "region", "worth"]].merge(given.links, on="region")
    links = given.links.assign(link=given.links["site"] + "-" + given.links["region"])
    return Problem.of({
        "periods": pd.DataFrame({"period": given.years, "discount": list(given.discount.values())}),
        "slices": pd.DataFrame({"slice": list(given.slices), "hours": list(given.slices.values())}),
        "goals": pd.DataFrame({"order": [1], "goal": ["cost_and_shortage"]}),
        "places": pd.DataFrame([*((s, "site") for s in given.sites["site"]),
                                *((r, "region") for r in demand["region"].unique())], columns=["place", "kind"]),
        "demands": pd.DataFrame({
            "demand": demand["demand"], "place": demand["region"], "commodity": "tokens", "period": demand["year"],
            "slice": demand["slice"], "amount": demand["amount"],
            "shortage_price": demand["worth"] * given.short_price,
        }),
        "assignments": pd.DataFrame({
            "demand": served["demand"], "place": served["site"], "unit_cost": served["carriage"] * served["worth"]}),
        **_sites(given), **_fleet(given, most), **_network(given, links, demand, most),
    }, name=f"case {given.seed}")


def _sites(given: Case) -> dict[str, pd.DataFrame]:
    sites = given.sites
    cells = sites.merge(pd.DataFrame({"year": given.years}), how="cross")
    owed = [given.weight(y, math.inf) for y in cells["year"]]
    return {
        "blocks": pd.DataFrame({
            "place": sites["site"], "block": "phase", "resource": "power", "capacity": sites["mw"],
            "integer": given.whole, "existing": sites["old"].astype(float)}),
        "block_cells": pd.DataFrame({
            "place": cells["site"], "block": "phase", "period": cells["year"],
            "max": (cells["most"]).astype(float), "max_total": (cells["most"] + cells["old"]).astype(float),
            "objective": cells["price"] * cells["year"].map(given.discount) + cells["upkeep"] * owed}),
    }


def _fleet(given: Case, most: float) -> dict[str, pd.DataFrame]:
    kinds = given.kinds
    cells = given.prices.merge(kinds.drop(columns="first"), on="kind")
    owed = [given.weight(y, life) for y, life in zip(cells["year"], cells["life"], strict=True)]
    running = kinds.merge(given.sites[["site"]], how="cross").merge(pd.DataFrame({"year": given.years}), how="cross")
    return {
        "assets": pd.DataFrame({"asset": kinds["kind"], "unit_size": kinds["amount"], "integer": given.whole}),
        "asset_cells": pd.DataFrame({
            "place": cells["site"], "asset": cells["kind"], "vintage": cells["year"], "life": cells["life"],
            "max": np.ceil(most / cells["amount"]),
            "objective": cells["price"] * cells["year"].map(given.discount) + cells["upkeep"] * owed}),
        "committed": given.old.rename(columns={"site": "place", "kind": "asset", "entered": "vintage"}),
        "activities": pd.DataFrame({
            "activity": kinds["kind"], "asset": kinds["kind"], "commodity": "tokens", "output_per_unit": 1.0}),
        "activity_uses": pd.DataFrame({
            "activity": kinds["kind"], "resource": "power", "amount": kinds["mw"] / kinds["amount"]}),
        "activity_costs": pd.DataFrame({
            "place": running["site"], "activity": running["kind"], "period": running["year"],
            "objective": running["running"] * HOURS * running["year"].map(given.discount)}),
    }


def _network(given: Case, links: pd.DataFrame, demand: pd.DataFrame, most: float) -> dict[str, pd.DataFrame]:
    modules = links.merge(pd.DataFrame({"year": given.years}), how="cross")
    loads = demand[["demand", "region"]].merge(links[["link", "site", "region"]], on="region")
    return {
        "links": links.rename(columns={"site": "from", "region": "to"})[["link", "from", "to"]],
        "modules": pd.DataFrame({
            "link": modules["link"], "module": "wave", "period": modules["year"], "capacity": modules["amount"],
            "max": np.ceil(most / modules["amount"]), "integer": given.whole, "life": modules["life"],
            "objective": modules["price"] * modules["year"].map(given.discount)}),
        "serve_loads": pd.DataFrame({
            "link": loads["link"], "demand": loads["demand"], "place": loads["site"], "load": 1.0}),
    }


# ---- PyPSA ----------------------------------------------------------------------------------------------------------


def as_network(given: Case) -> Any:
    """The case as a PyPSA network with an investment period a year.

    PyPSA charges capital by the year of service and discounts each year; a price paid once is told as the yearly amount
    with the same present value inside the horizon.
    """
    import pypsa

    n = pypsa.Network()
    moments = pd.MultiIndex.from_product([given.years, list(given.slices)], names=["period", "timestep"])
    n.set_snapshots(moments)
    n.investment_periods = list(given.years)
    n.investment_period_weightings["years"] = 1.0
    n.investment_period_weightings["objective"] = pd.Series(given.discount)
    for column in n.snapshot_weightings.columns:
        n.snapshot_weightings[column] = [given.slices[h] for _, h in moments]
    n.add("Carrier", "phase")
    for s in given.sites.to_dict("records"):
        _site(n, given, s)
    for r in given.demand["region"].unique():
        n.add("Bus", r)
        asked = given.demand[given.demand["region"] == r].set_index(["year", "slice"])["amount"]
        n.add("Load", f"{r} asks", bus=r, p_set=asked.reindex(moments))
        n.add("Generator", f"{r} short", bus=r, p_nom=float(asked.max()), marginal_cost=given.short_price)
    for e in given.links.to_dict("records"):
        for y in given.years:
            n.add("Link", f"{e['site']}-{e['region']} {y}", bus0=f"{e['site']} made", bus1=e["region"],
                  p_nom_extendable=True, p_nom_mod=e["amount"] * given.whole, build_year=y, lifetime=e["life"],
                  capital_cost=_by_the_year(given, e["price"] / e["amount"], y, e["life"]),
                  marginal_cost=e["carriage"])
    return n


def _site(n: Any, given: Case, s: dict[str, Any]) -> None:
    power, made = f"{s['site']} power", f"{s['site']} made"
    n.add("Bus", [power, made])
    if s["old"]:
        n.add("Generator", f"{s['site']} old", bus=power, p_nom=s["old"] * s["mw"])
    for y in given.years:
        n.add("Generator", f"{s['site']} {y}", bus=power, carrier="phase", p_nom_extendable=True,
              p_nom_mod=s["mw"] * given.whole, build_year=y, lifetime=math.inf,
              capital_cost=(_by_the_year(given, s["price"], y, math.inf) + s["upkeep"]) / s["mw"])
    n.add("GlobalConstraint", f"{s['site']} most", type="tech_capacity_expansion_limit", carrier_attribute="phase",
          bus=power, sense="<=", constant=s["most"] * s["mw"], investment_period=given.years[-1])
    kinds = given.kinds.set_index("kind")
    for c in given.prices[given.prices["site"] == s["site"]].to_dict("records"):
        k = kinds.loc[c["kind"]]
        n.add("Link", f"{s['site']} {c['kind']} {c['year']}", bus0=power, bus1=made, efficiency=k["amount"] / k["mw"],
              p_nom_extendable=True, p_nom_mod=k["mw"] * given.whole, build_year=c["year"], lifetime=k["life"],
              capital_cost=(_by_the_year(given, c["price"], c["year"], k["life"]) + k["upkeep"]) / k["mw"],
              marginal_cost=k["running"] * k["amount"] / k["mw"])
    for o in given.old[given.old["site"] == s["site"]].to_dict("records"):
        k = kinds.loc[o["kind"]]
        n.add("Link", f"{s['site']} {o['kind']} old", bus0=power, bus1=made, efficiency=k["amount"] / k["mw"],
              p_nom=o["count"] * k["mw"], build_year=o["entered"], lifetime=o["life"],
              marginal_cost=k["running"] * k["amount"] / k["mw"])


def _by_the_year(given: Case, price: float, year: int, life: float) -> float:
    return price * given.discount[year] / given.weight(year, life)
