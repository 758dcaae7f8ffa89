"""Money over time: annuities, discounting, price growth. All arrays in, arrays out; rates as shares per year."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capacity.catalogue.cards import Site
from capacity.scenario import by_year
from capacity.scenario.options import Bought
from capacity.scenario.schema import Scenario

Floats = NDArray[np.float64]


def annuity_due(rate: float, life: float) -> float:
    """Payment at the start of each of `life` years whose present value at the start is 1.

    Source: annuity-due, a = d / (1 - (1 + r)^-n) with d = r / (1 + r); 1/n at r = 0.
    """
    if rate == 0:
        return 1.0 / life
    return (rate / (1 + rate)) / -math.expm1(-life * math.log1p(rate))


def discount(scenario: Scenario, years: Floats) -> Floats:
    """Present value in the first year of one nominal unit of money at the start of each year."""
    return np.asarray((1 + scenario.money.discount_rate) ** -(np.asarray(years, dtype=float) - scenario.years.first))


def charged(scenario: Scenario, bought: Floats, life: float) -> Floats:
    """Discounted objective per unit of price paid in each year `bought` for an asset that lives `life` years.

    With `horizon_credit`, the annuities of its service years inside the horizon; without, the whole price when paid.
    """
    bought = np.asarray(bought, dtype=float)
    if not scenario.money.horizon_credit:
        return discount(scenario, bought)
    years = np.arange(scenario.years.first, scenario.years.last + 1, dtype=float)
    serves = (years[None, :] >= bought[:, None]) & (years[None, :] < bought[:, None] + life)
    return np.asarray(
        annuity_due(scenario.money.discount_rate, life) * (serves * discount(scenario, years)).sum(axis=1)
    )


def held(scenario: Scenario, since: Floats, life: float) -> Floats:
    """Sum of discount factors over the service years inside the horizon, for assets entering in each year `since`."""
    since = np.asarray(since, dtype=float)
    years = np.arange(scenario.years.first, scenario.years.last + 1, dtype=float)
    serves = (years[None, :] >= since[:, None]) & (years[None, :] < since[:, None] + life)
    return np.asarray((serves * discount(scenario, years)).sum(axis=1))


def financing(scenario: Scenario, what: Bought, bought: Floats) -> Floats:
    """Value at service of one unit of price paid at its milestones, for what enters service in each year `bought`.

    Sum over milestones of share x (1 + r)^(years paid ahead); what falls before the first year is paid in it.
    """
    bought = np.asarray(bought, dtype=float)
    total = np.zeros(len(bought))
    for ahead, share in milestones(scenario, what).items():
        paid = np.maximum(bought - ahead, np.minimum(bought, scenario.years.first))
        total += share * (1 + scenario.money.discount_rate) ** (bought - paid)
    return total


def milestones(scenario: Scenario, what: Bought) -> Mapping[int, float]:
    """Years before service -> share of the price paid then; all at service where the scenario says nothing."""
    return scenario.money.milestones.get(what) or {0: 1.0}


def grown(scenario: Scenario, years: Floats, factor: float) -> Floats:
    """Price factor of each year against the scenario's price year at a yearly growth factor."""
    return np.asarray(factor ** (np.asarray(years, dtype=float) - scenario.money.price_year))


def power_price(scenario: Scenario, site: Site, years: Floats) -> Floats:
    """Nominal USD per kWh of grid power at a site in each year: as given by year, else its price with its growth."""
    given = scenario.sites[site.id]
    if given is not None and given.power_prices:
        return np.asarray(by_year(given.power_prices, years))
    return np.asarray(site.power_usd_kwh * grown(scenario, years, scenario.money.power_price_growth))
