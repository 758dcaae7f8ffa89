"""Numbers by year, and demand by region, class and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from capacity.catalogue.cards import Region
from capacity.errors import InputError
from capacity.scenario.asked import Demand, Path
from capacity.scenario.schema import Horizon, Money, Scenario

Floats = NDArray[np.float64]
Shape = Literal["geometric", "linear"]


@overload
def by_year(values: Mapping[int, float], year: int, shape: Shape = "geometric") -> float: ...
@overload
def by_year(values: Mapping[int, float], year: ArrayLike, shape: Shape = "geometric") -> Floats: ...
def by_year(values: Mapping[int, float], year: ArrayLike, shape: Shape = "geometric") -> float | Floats:
    """Value in one year (a float) or in each of several (an array of their shape) of a number given for some years.

    Between two given years the number is interpolated, geometrically unless one of the two is zero or `shape` is
    `linear`; before the first and after the last given year it is held. Raises InputError when no year is given.
    """
    if not values:
        raise InputError("a number by year names no year; give at least one, such as `{2027: 10}`")
    known = np.array(sorted(values), dtype=float)
    given = np.array([values[int(y)] for y in known], dtype=float)
    asked = np.asarray(year, dtype=float)
    result = np.interp(asked, known, given)
    if shape == "geometric" and len(known) > 1:
        right = np.clip(np.searchsorted(known, asked, side="right"), 1, len(known) - 1)
        positive = (given[right - 1] > 0) & (given[right] > 0)
        logs = np.log(np.where(given > 0, given, 1.0))
        result = np.where(positive, np.exp(np.interp(asked, known, logs)), result)
        exact = np.isin(asked, known)  # a given number comes back to the last digit
        result = np.where(exact, np.interp(asked, known, given), result)
    return float(result) if asked.ndim == 0 else np.asarray(result, dtype=float)


def capex_budget(money: Money, years: Sequence[int]) -> Floats | None:
    """Nominal USD that may be spent on capex in each year; None when the scenario states no budget.

    Past the last given year the budget grows by `capex_growth` a year, or is held without it.
    """
    if money.capex_budget is None:
        return None
    last = max(money.capex_budget)
    held = by_year(money.capex_budget, years)
    beyond = np.maximum(np.asarray(years, dtype=float) - last, 0)
    return np.asarray(held * (money.capex_growth or 1.0) ** beyond)


def path_by_year(path: Path, years: Horizon) -> Floats:
    """Instances of one class in each year of the horizon, all regions together.

    exponential: two of start, end (in the last year) and growth. linear: start and end. logistic: start N0, end K as
    the ceiling and growth g as the early factor per year, N = K / (1 + (K/N0 - 1) g^-t), the logistic curve whose odds
    N/(K-N) grow by g each year. Raises InputError when the given keys do not determine the path.
    """
    time = np.arange(years.last - years.first + 1, dtype=float)
    start, end, growth = path.start, path.end, path.growth
    if path.by_year is not None:
        return by_year(path.by_year, years.first + time)
    if path.shape == "linear" and start is not None and end is not None and growth is None:
        return np.asarray(np.linspace(start, end, len(time)) if len(time) > 1 else np.array([start]), dtype=float)
    if path.shape == "logistic" and start and end and growth is not None and end >= start:
        return np.asarray(end / (1 + (end / start - 1) * growth**-time))
    if path.shape == "exponential" and sum(x is not None for x in (start, end, growth)) == 2:
        if growth is not None:
            return np.asarray(start * growth**time if start is not None else (end or 0.0) * growth ** (time - time[-1]))
        if start and end and len(time) > 1:
            return np.asarray(start * (end / start) ** (time / time[-1]))
    raise InputError(explain_path(path))


def explain_path(path: Path) -> str:
    """What a demand path of this shape needs, and what was given instead."""
    needs = {
        "exponential": "two of `start`, `end` and `growth` (`start` with `end`: above zero, over two years or more)",
        "linear": "`start` and `end`, and no `growth`",
        "logistic": "`start` above zero, `end` (the ceiling, at least `start`) and `growth` (the early yearly factor)",
    }
    given = [f"{key}: {value:g}" for key in ("start", "end", "growth") if (value := getattr(path, key)) is not None]
    stated = ", ".join(given) or "nothing"
    return f"a path of shape {path.shape} needs {needs[path.shape]}, or `by_year` alone; given: {stated}"


def regional_shares(demand: Demand, regions: Sequence[Region]) -> dict[str, float]:
    """Share of each region in the demand given for all regions together; sums to 1."""
    if isinstance(demand.split, dict):
        return {r.id: demand.split.get(r.id, 0.0) for r in regions}
    weight = {r.id: r.gdp_busd if demand.split == "gdp" else r.population_m for r in regions}
    total = sum(weight.values())
    return {region: value / total for region, value in weight.items()}


def demand_table(scenario: Scenario, regions: Sequence[Region]) -> pd.DataFrame:
    """Demand: region, service_class, year, instances (on duty at once; for local-hours classes, within their window).

    One row for each region of the scenario, class and year, zeros included; sorted by class, region, year in the
    scenario's order. `regions` are the catalogue's cards of the scenario's regions. Rows of `demand.table` are
    interpolated over years as in `by_year`; a region the table leaves out has no demand of that class.
    """
    years = np.arange(scenario.years.first, scenario.years.last + 1)
    shares = np.array([regional_shares(scenario.demand, regions)[r.id] for r in regions])
    given: dict[tuple[str, str], dict[int, float]] = {}
    for row in scenario.demand.table:
        given.setdefault((row.service_class, row.region), {})[row.year] = row.instances
    frames = []
    for name in scenario.classes:
        if name in scenario.demand.classes:
            amounts = shares[:, None] * path_by_year(scenario.demand.classes[name], scenario.years)
        else:
            amounts = np.array([
                by_year(given[name, r.id], years) if (name, r.id) in given else np.zeros(len(years)) for r in regions
            ])
        index = pd.MultiIndex.from_product([[r.id for r in regions], [name], years.tolist()])
        frames.append(pd.DataFrame({"instances": amounts.ravel()}, index=index))
    table = pd.concat(frames)
    table.index.names = ["region", "service_class", "year"]
    return table.reset_index()
