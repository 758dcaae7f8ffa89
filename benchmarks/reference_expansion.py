"""Multi-year capacity expansion and the cheapest accelerator mix, both in JSON, as tables of the waist.

`capexp`: sites build phases of MW, accelerator modules of several kinds run on them for their life, link modules carry
tokens to regions; money is discounted to the first year. `melange`: slices of a request stream, each to one kind of
accelerator (Griggs et al., "Mélange: Cost Efficient Large Language Model Serving", 2024).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.reference_text import PERIOD, SLICE, chosen, moment, places
from capacity.errors import InputError
from capacity.problem import Problem

POWER = "power"


def load(file: str, text: str) -> dict[str, Any]:
    """The file as a JSON object. Raises InputError naming line and column."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{file}: no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    if not isinstance(found, dict):
        raise InputError(f"{file}: one JSON object is expected")
    return found


def need(file: str, found: Any, key: str) -> Any:
    """One key of an object. Raises InputError when it is missing."""
    if not isinstance(found, dict) or key not in found:
        raise InputError(f"{file}: key {key!r} is missing")
    return found[key]


# ---- capacity expansion ---------------------------------------------------------------------------------------------


def capexp(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """Multi-year expansion: modules and phases whole or not as the file says, unless the variant says lp or mip."""
    if capacity is not None:
        raise InputError("--capacity does not apply to capexp")
    given = load(file, text)
    kind = chosen(variant, dict.fromkeys(("", "lp", "multi-year lp"), "lp")
                  | dict.fromkeys(("mip", "multi-year mip (integer modules)"), "mip") | {"": "file"}, "capexp")
    whole = bool(need(file, given, "integer_modules")) if kind == "file" else kind == "mip"
    years = [int(y) for y in need(file, given, "years")]
    rate = float(need(file, given, "discount_rate"))
    discount = pd.Series([(1 + rate) ** (years[0] - y) for y in years], index=years)
    try:
        tables = _expansion(given, years, discount, whole)
    except KeyError as error:
        raise InputError(f"{file}: key {error} is missing") from None
    return Problem.of(tables, name=file)


def _expansion(given: dict[str, Any], years: list[int], discount: pd.Series, whole: bool) -> dict[str, pd.DataFrame]:
    sites = [s["id"] for s in given["sites"]]
    regions = [r["id"] for r in given["regions"]]
    demands = pd.DataFrame([
        {"demand": f"{r['id']} {y}", "place": r["id"], "commodity": "tokens", "period": y, "slice": SLICE,
         "amount": r["demand"][str(y)], "must_serve": True}
        for r in given["regions"] for y in years
    ])
    return {
        "periods": pd.DataFrame({"period": years, "discount": discount.to_numpy()}),
        "slices": pd.DataFrame({"slice": [SLICE], "hours": [1.0]}),
        "goals": pd.DataFrame({"order": [1], "goal": ["cost"]}),
        "places": places(sites, regions),
        "demands": demands,
        **_phases(given, years, discount, whole),
        **_modules(given, years, discount, whole, demands),
        **_links(given, discount, whole, demands),
    }


def _years_in(first: int, life: float, discount: pd.Series) -> float:
    """Present value of 1 a year from `first` on, for `life` years inside the horizon."""
    return float(discount[[y for y in discount.index if first <= y < first + life]].sum())


def _phases(given: dict[str, Any], years: list[int], discount: pd.Series, whole: bool) -> dict[str, pd.DataFrame]:
    """Blocks of MW that stand for ever: their price, and their upkeep from then on."""
    return {
        "blocks": pd.DataFrame([
            {"place": s["id"], "block": "phase", "resource": POWER, "capacity": s["phase_capacity_mw"],
             "integer": whole}
            for s in given["sites"]
        ]),
        "block_cells": pd.DataFrame([
            {"place": s["id"], "block": "phase", "period": y, "max": s["max_phases"], "max_total": s["max_phases"],
             "objective": s["phase_fixed_cost"] * discount[y]
             + s["fixed_opex_per_phase"] * _years_in(y, math.inf, discount)}
            for s in given["sites"] for y in years
        ]),
    }


def _modules(
    given: dict[str, Any], years: list[int], discount: pd.Series, whole: bool, demands: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Accelerator modules by vintage. Their upkeep is owed for their whole life; a MW is drawn by what runs."""
    kinds = given["gpus"]
    most = demands.groupby("period")["amount"].sum().max()
    cells = [
        {"place": s["id"], "asset": g["id"], "vintage": y, "life": g["lifetime"],
         "max": math.ceil(most / g["module_tokens"]),
         "objective": g["price"][str(y)] * discount[y]
         + g["opex_per_module_year"] * _years_in(y, g["lifetime"], discount)}
        for s in given["sites"] for g in kinds for y in years if y >= g["available_from"]
    ]
    return {
        "assets": pd.DataFrame(
            [{"asset": g["id"], "unit_size": g["module_tokens"], "integer": whole} for g in kinds]
        ),
        "asset_cells": pd.DataFrame(cells),
        "activities": pd.DataFrame(
            [{"activity": g["id"], "asset": g["id"], "commodity": "tokens", "output_per_unit": 1.0} for g in kinds]
        ),
        "activity_uses": pd.DataFrame([
            {"activity": g["id"], "resource": POWER, "amount": g["module_mw"] / g["module_tokens"]} for g in kinds
        ]),
    }


def _links(
    given: dict[str, Any], discount: pd.Series, whole: bool, demands: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Link modules, and the way each site may serve each region: over the one link between them."""
    links = pd.DataFrame(given["links"])
    links["link"] = links["a"] + "-" + links["b"]
    most = demands.groupby("place")["amount"].max()
    years = pd.DataFrame({"period": discount.index, "discount": discount.to_numpy()})
    modules = links.merge(years, how="cross")
    served = demands[["demand", "place", "period"]].rename(columns={"place": "b"}).merge(links, on="b")
    return {
        "links": links[["link", "a", "b"]].rename(columns={"a": "from", "b": "to"}),
        "modules": pd.DataFrame({
            "link": modules["link"], "module": "module", "period": modules["period"],
            "capacity": modules["module_tokens"], "life": modules["lifetime"], "integer": whole,
            "max": np.ceil(modules["b"].map(most) / modules["module_tokens"]),
            "objective": modules["module_price"] * modules["discount"],
        }),
        "serve_loads": served[["link", "demand"]].assign(place=served["a"], load=1.0),
        "assignments": pd.DataFrame({
            "demand": served["demand"], "place": served["a"],
            "unit_cost": served["cost_per_token_year"] * served["period"].map(discount),
        }),
    }


# ---- the cheapest accelerator mix -----------------------------------------------------------------------------------


def melange(file: str, text: str, variant: str, capacity: float | None) -> Problem:
    """Each slice of the request stream runs on accelerators of one kind; buy the cheapest mix.

    The pool of a kind is a place, so that one source means one kind. `variant` may set `rate R` and `slice_factor N`.
    """
    if capacity is not None:
        raise InputError("--capacity does not apply to melange")
    given = load(file, text)
    rate, factor = _asked(file, given, variant)
    kinds = need(file, given, "gpu_info")
    share = np.array(need(file, given, "workload_distribution"), dtype=float)
    speed = {name: np.array(need(file, kind, "tputs"), dtype=float) for name, kind in kinds.items()}
    wrong = [name for name, table in speed.items() if table.shape != share.shape]
    if wrong:
        raise InputError(f"{file}: tputs of {wrong[0]!r} has not the shape of workload_distribution, {share.shape}")
    buckets = [(f"{i},{j}", share[i, j] * rate / factor, i, j) for i, j in zip(*np.nonzero(share), strict=True)]
    demands = [(f"{name} #{n}", name, size) for name, size, _, _ in buckets for n in range(1, factor + 1)]
    able = {name: {g: speed[g][i, j] for g in kinds if speed[g][i, j] > 0} for name, _, i, j in buckets}
    return Problem.of(moment() | _pools(kinds, demands, able), name=file)


def _pools(
    kinds: dict[str, Any], demands: list[tuple[str, str, float]], able: dict[str, dict[str, float]]
) -> dict[str, pd.DataFrame]:
    """`able` gives for each bucket of requests the rate that one accelerator of each kind can serve."""
    names = list(kinds)
    load = {g: sum(size / able[b][g] for _, b, size in demands if g in able[b]) for g in names}
    return {
        "places": places(names, ["users"]),
        "assets": pd.DataFrame({"asset": names}),
        "asset_cells": pd.DataFrame({
            "place": names, "asset": names, "vintage": PERIOD, "max": [float(math.ceil(load[g])) for g in names],
            "objective": [float(kinds[g]["cost"]) for g in names],
        }),
        "activities": pd.DataFrame([
            {"activity": f"{b} on {g}", "asset": g, "commodity": b, "output_per_unit": speed}
            for b, speeds in able.items() for g, speed in speeds.items()
        ]),
        "demands": pd.DataFrame([
            {"demand": d, "place": "users", "commodity": b, "period": PERIOD, "slice": SLICE, "amount": size,
             "must_serve": True, "single_source": True}
            for d, b, size in demands
        ]),
        "assignments": pd.DataFrame([{"demand": d, "place": g} for d, b, _ in demands for g in able[b]],
                                    columns=["demand", "place"]),
    }


def _asked(file: str, given: dict[str, Any], variant: str) -> tuple[float, int]:
    """(requests per second, slices of each bucket) from the variant, else from the file."""
    words = {"rate": "total_request_rate", "slice_factor": "slice_factor"}
    variant = variant.rpartition("@")[2]  # the instance's name may stand before
    set_by_hand = dict(re.findall(r"(rate|slice_factor)[\s=:]*([0-9.]+)", variant))
    if variant.strip() and re.sub(r"(rate|slice_factor)[\s=:]*([0-9.]+)|[\s,;]", "", variant):
        raise InputError(f"--variant {variant!r} is no variant of melange; such as: rate 8, slice_factor 2")
    rate, factor = (float(set_by_hand.get(word) or need(file, given, key)) for word, key in words.items())
    if rate <= 0 or factor < 1 or factor != int(factor):
        raise InputError(f"{file}: rate {rate:g} must be positive, and slice_factor {factor:g} whole and at least 1")
    return rate, int(factor)
