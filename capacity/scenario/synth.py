"""Plans of any size for tests and benchmarks: places, accelerators and AI models of the catalogue, drawn by a seed.

What is drawn stands in table `synthetic`. Where more regions or sites are asked for than the catalogue has, metros
become places of their own: a region with its share of its country's people and income, a site with the power price,
construction and grid of the nearest one. Those are written as an overlay folder beside the scenario.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from capacity.catalogue import Catalogue, load_catalogue
from capacity.errors import InputError

RANGE_OF_SIZE = {"sites": (1, 120), "years": (1, 25), "accelerators": (1, 24), "classes": (1, 50), "regions": (1, 60),
                 "slices": (1, 24)}
"""Least and most of each size."""


@dataclass(frozen=True)
class Size:
    """How large a plan is; `accelerators` are its pod designs, `slices` the parts of the day."""

    sites: int
    years: int
    accelerators: int
    classes: int
    regions: int
    slices: int = 1

    def check(self) -> None:
        """Raise InputError for a size that cannot be made."""
        for name, (least, most) in RANGE_OF_SIZE.items():
            given = getattr(self, name)
            if not least <= given <= most:
                raise InputError(f"--{name} {given}: allowed are {least} to {most}")


class Draw:
    """Draws from table `synthetic`, one after the other; the same seed draws the same."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        table = catalogue.table("synthetic")
        self.choices = {item: text.split(";") for item, text in zip(table["item"], table["choices"], strict=True)}
        self.rng = np.random.default_rng(seed)

    def one(self, item: str) -> str:
        """One choice of an item."""
        offered = self.choices[item]
        return str(offered[int(self.rng.integers(len(offered)))])

    def number(self, item: str) -> float:
        """One choice of an item, as a number."""
        return float(self.one(item))

    def some(self, names: list[str], count: int) -> list[str]:
        """Distinct names, in their order in the list."""
        chosen = self.rng.choice(len(names), size=min(count, len(names)), replace=False)
        return [names[i] for i in sorted(chosen.tolist())]


def synthesise(path: Path, size: Size, seed: int) -> Path:
    """Write a scenario of a size, and beside it the folder of places that the catalogue does not have, if any.

    The same size and seed give the same files, and `capacity solve` takes them. Raises InputError for a size that
    cannot be made and for files that cannot be written.
    """
    size.check()
    path = path if path.suffix else path.with_suffix(".yaml")
    catalogue = load_catalogue()
    draw = Draw(catalogue, seed)
    regions, more_regions = _regions(catalogue, draw, size.regions)
    sites, more_sites = _sites(catalogue, draw, size.sites, regions)
    tables = {name: table for name, table in (("regions", more_regions), ("sites", more_sites)) if len(table)}
    scenario = _scenario(path, size, seed, draw, catalogue, regions, sites)
    folder = path.with_name(f"{path.stem}-tables")
    if tables:
        scenario["catalogue"] = [folder.name]
    told = " ".join(f"--{name} {getattr(size, name)}" for name in RANGE_OF_SIZE)
    text = (f"# Made by: capacity scenario synth {path.name} {told} --seed {seed}\n"
            "# A plan of a usual kind for tests and benchmarks (table `synthetic`), no forecast.\n"
            + yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True, width=120))
    try:
        path.write_text(text, encoding="utf-8")
        if tables:
            folder.mkdir(exist_ok=True)
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from error
    return path


def _scenario(
    path: Path, size: Size, seed: int, draw: Draw, catalogue: Catalogue, regions: pd.DataFrame, sites: pd.DataFrame
) -> dict[str, Any]:
    first = int(draw.number("first_year"))
    last = first + size.years - 1
    classes = {f"class-{i + 1}": _service_class(draw, size) for i in range(size.classes)}
    accelerators = _accelerators(draw, catalogue, size, first, last)
    return {
        "name": f"{path.stem}", "description": f"synthetic, seed {seed}", "years": {"first": first, "last": last},
        "goal": {"kind": "least_cost", "shortage_price": draw.one("shortage_price")}, "time_slices": size.slices,
        "classes": classes, "variants": _variants(draw, list(classes)), "demand": _demand(draw, size),
        "regions": regions["id"].tolist(),
        "sites": {
            name: _site(draw, price, first)
            for name, price in zip(sites["id"], sites["power_usd_kwh"], strict=True)
        },
        "accelerators": accelerators,
        "pods": {"size": int(draw.number("pod_size"))},
        "phases": {"size": draw.one("phase_size"), "orders_from": first - YEARS_AHEAD},
        "links": {"include": False}, "serving": {"plans_per_cell": 2},
    }


def _service_class(draw: Draw, size: Size) -> dict[str, Any]:
    tokens = ("output_tokens", "fresh_input_tokens", "cached_input_tokens", "context_mean", "turns")
    out: dict[str, Any] = {item: int(draw.number(item)) for item in tokens}
    out |= {item: draw.one(item) for item in ("ttft", "tpot", "max_rtt")}
    if size.slices > 1 and draw.rng.random() < 1 / 2:
        start, end = (float(hour) for hour in draw.one("local_day").split("-"))
        out["duty"] = {"start": start, "hours": end - start}
    return out


def _variants(draw: Draw, classes: list[str]) -> dict[str, Any]:
    """Two AI models, each for every class, at factors of acceptance that differ."""
    chosen = draw.some(draw.choices["models"], 2)
    out = {}
    for text in chosen:
        model, _, weights = text.partition(":")
        factor = {name: round(float(1 / 2 + draw.rng.random()), 2) for name in classes}
        out[model] = {"model": model, "weights": weights, "kv": "fp8", "equivalence": factor}
    return out


def _demand(draw: Draw, size: Size) -> dict[str, Any]:
    total = draw.number("instances_per_site") * size.sites
    shares = draw.rng.dirichlet(np.full(size.classes, 4.0))
    paths = {
        f"class-{i + 1}": {"start": round(float(total * share), -2), "growth": draw.number("demand_growth")}
        for i, share in enumerate(shares)
    }
    return {"classes": paths, "split": "gdp"}


def _site(draw: Draw, power_usd_kwh: float, first: int) -> dict[str, Any]:
    size = float(draw.choices["phase_size"][0].split()[0])
    limit = draw.number("phases_per_site") * size
    price = power_usd_kwh * draw.number("power_price_factor")
    return {"power_price": f"${price:.4f}/kWh", "grid_limit": f"{limit:g} MW", "grid_ramp": f"{limit:g} MW",
            "opening_cost": draw.one("opening_cost"), "lead_time": draw.one("lead_time"), "earliest": first}


def _accelerators(draw: Draw, catalogue: Catalogue, size: Size, first: int, last: int) -> dict[str, Any]:
    """Catalogue accelerators sold early, and archetypes for the years after."""
    begins = int(draw.number("first_archetype"))
    later = list(range(begins, last + 1))
    known = draw.choices["accelerators"]
    share = len(later) / (len(later) + 3)
    count = min(len(later), max(size.accelerators - len(known), int(size.accelerators * share / 2)))
    out: dict[str, Any] = {}
    for at, name in enumerate(draw.some(known, size.accelerators - count)):
        begin = first if at < 2 else max(first, int(draw.number("first_on_sale")))
        out[name] = _offer(draw, size, begin, last) | {"price_by_year": _prices(draw, catalogue, name, first, last)}
    for year in sorted(draw.rng.choice(later, size=count, replace=False).tolist() if count else []):
        out[f"archetype-{year}"] = _offer(draw, size, int(year), last) | {"price_factor": draw.number("price_factor")}
    if len(out) < size.accelerators:
        raise InputError(f"--accelerators {size.accelerators}: only {len(out)} are on sale from {first} to {last}")
    return out


def _offer(draw: Draw, size: Size, begin: int, last: int) -> dict[str, Any]:
    end = min(begin + int(draw.number("years_on_sale")) - 1, last)
    start, growth = draw.number("supply_per_site") * size.sites, draw.number("supply_growth")
    supply = {year: int(round(start * growth ** (year - begin), -2)) for year in range(begin, end + 1)}
    return {"first": begin, "last": end, "supply": supply}


def _prices(draw: Draw, catalogue: Catalogue, name: str, first: int, last: int) -> dict[int, int]:
    """Prices at the ends of the horizon, as far as the catalogue has them: a scenario holds the last from then on."""
    table = catalogue.table("accelerator_prices")
    known = int(table.loc[table["accelerator"] == name, "year"].max())
    factor = draw.number("price_factor")
    return {year: round(catalogue.price(name, year) * factor) for year in (first, min(last, known))}


def _regions(catalogue: Catalogue, draw: Draw, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(regions of the plan, those of them that the catalogue lacks)"""
    known = catalogue.table("regions")
    if count <= len(known):
        return known.set_index("id", drop=False).loc[draw.some(known["id"].tolist(), count)], known.head(0)
    made = _regions_of_metros(catalogue, draw, known)
    if count > len(made):
        raise InputError(f"--regions {count}: the catalogue has metros for {len(made)} regions")
    chosen = made.set_index("id", drop=False).loc[draw.some(made["id"].tolist(), count)]
    return chosen, chosen


def _regions_of_metros(catalogue: Catalogue, draw: Draw, known: pd.DataFrame) -> pd.DataFrame:
    """Metros as regions: the people and income of their country divided equally among its metros."""
    metros = _apart(_metros(catalogue), draw.number("apart_km"))
    countries = catalogue.table("region_countries").drop(columns=["source", "as_of", "confidence"])
    of_region = known[["id", "utc_offset_h", "wage_usd_h", "overhead_share"]].rename(columns={"id": "region"})
    wages = catalogue.table("wages")
    own = dict(zip(wages["iso3"], wages["nominal_usd_year"] / wages["hours_year"], strict=True))
    table = metros.merge(countries, left_on="country", right_on="iso3", suffixes=("", "_name")).merge(of_region)
    among = table.groupby("country")["id"].transform("size")
    return pd.DataFrame({
        "id": "around-" + table["id"], "name": table["name"], "population_m": table["population_m"] / among,
        "gdp_busd": table["gdp_busd"] / among, "gateway": table["name"], "latitude": table["latitude"],
        "longitude": table["longitude"], "utc_offset_h": table["utc_offset_h"],
        "wage_usd_h": table["country"].map(own).fillna(table["wage_usd_h"]).round(2),
        "overhead_share": table["overhead_share"],
        "source": "made by `capacity scenario synth`: a country's figures shared by its metros",
        "as_of": "2026", "confidence": "estimate",
    })


def _sites(
    catalogue: Catalogue, draw: Draw, count: int, regions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(sites of the plan, those of them that the catalogue lacks): the nearest of each region, then any others."""
    known = catalogue.table("sites")
    made = _sites_of_metros(catalogue, draw, known).head(max(count - len(known), 0))
    offered = pd.concat([known, made], ignore_index=True).set_index("id", drop=False)
    if count > len(offered):
        raise InputError(f"--sites {count}: the catalogue has places for {len(offered)} sites")
    away = _km(regions, offered)
    near = list(dict.fromkeys(offered["id"].iloc[i] for i in away.argmin(axis=1)))
    kept = draw.some(near, count)
    others = [name for name in offered["id"] if name not in kept]
    chosen = offered.loc[sorted([*kept, *draw.some(others, count - len(kept))], key=list(offered["id"]).index)]
    return chosen, chosen[chosen["id"].isin(made["id"])]


def _sites_of_metros(catalogue: Catalogue, draw: Draw, known: pd.DataFrame) -> pd.DataFrame:
    """Metros far from every site of the catalogue, with the figures of the nearest one."""
    metros = _metros(catalogue)
    apart = draw.number("apart_km")
    metros = _apart(metros[_km(metros, known).min(axis=1) > apart], apart)
    like = known.iloc[_km(metros, known).argmin(axis=1)].reset_index(drop=True)
    metros = metros.reset_index(drop=True)
    made: pd.DataFrame = like.assign(
        id="near-" + metros["id"], name=metros["name"], country=metros["country"], latitude=metros["latitude"],
        longitude=metros["longitude"], source="made by `capacity scenario synth` like " + like["id"], as_of="2026",
        confidence="estimate")
    return made


def _metros(catalogue: Catalogue) -> pd.DataFrame:
    """Metros with coordinates, those of the sites after those of the table of metros."""
    columns = ["id", "name", "country", "latitude", "longitude"]
    both = pd.concat([catalogue.table("metros")[columns], catalogue.table("sites")[columns]])
    distinct: pd.DataFrame = both.drop_duplicates("id").reset_index(drop=True)
    return distinct


def _apart(places: pd.DataFrame, least_km: float) -> pd.DataFrame:
    """Places in their order, without those nearer than this to an earlier one."""
    km, kept = _km(places, places), list[int]()
    for at in range(len(places)):
        if not kept or km[at, kept].min() >= least_km:
            kept.append(at)
    return places.iloc[kept]


YEARS_AHEAD = 3
EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


def _km(a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
    """(len(a), len(b)) great-circle distances in km, by the chord between the points."""
    def points(table: pd.DataFrame) -> np.ndarray:
        north, east = np.radians(table["latitude"]), np.radians(table["longitude"])
        return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)

    chord = np.linalg.norm(points(a)[:, None] - points(b)[None], axis=2)
    return np.asarray(2 * EARTH_KM * np.arcsin(np.clip(chord / 2, 0, 1)))
