"""Power as it is drawn: sources at each site by hour, what runs and what halls draw, limits on carbon, water, mix.

Made only where the scenario has `energy` or power on site; the running costs of configurations then move to sources.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Site
from capacity.problem.configurations import calibration
from capacity.problem.contracts import Limits
from capacity.problem.costs import COLUMNS, whole
from capacity.problem.halls import POWER, grid_mw
from capacity.problem.money import discount, grown, power_price
from capacity.problem.places import first_year
from capacity.problem.pods import Pod
from capacity.problem.supply import limit_row
from capacity.problem.world import World
from capacity.scenario import by_year
from capacity.scenario.options import Energy, HourPrice
from capacity.serving.calibration import ANY

GRID, CLEAN = "grid", "clean power"
MINUTES = 60
"""In an hour: the steps in which a slice's price factor is averaged."""


def modelled(world: World) -> bool:
    """Whether power is modelled by source."""
    return world.scenario.energy is not None or bool(world.scenario.onsite)


def hour_factor(windows: list[HourPrice], longitude: float, start_utc_h: float, length_h: float) -> float:
    """Mean price factor of a UTC slice at a site, in its solar time (longitude / 15 hours); the last window wins."""
    minutes = (np.arange(round(length_h * MINUTES)) + 0.5) / MINUTES
    local = (start_utc_h + minutes + longitude / 15) % 24
    factor = np.ones(len(local))
    for window in windows:
        factor[(local - window.start) % 24 < window.hours] = window.factor
    return float(factor.mean())


def sources(world: World) -> pd.DataFrame:
    """Each source by site, year and slice: max MW, USD and g CO2 per kWh, litres of water, share that is low-carbon.

    Columns place, source, period, slice, hours, max, usd_kwh (nominal, carbon and water included), g_kwh, l_kwh, clean.
    """
    rule = world.scenario.energy or Energy()
    years = np.array(world.years, dtype=float)
    water_price = rule.water_price * grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
    co2 = np.array([_carbon_price(world, rule, y) for y in world.years])
    parts = []
    for site in world.sites:
        price, water = power_price(world.scenario, site, years), world.catalogue.constant("wue_l_per_kwh") / site.pue
        bridged = bool(world.scenario.onsite)
        most = grid_mw(world, site, years, float(first_year(world, site))) if bridged else np.full(len(years), np.inf)
        for slot in world.slices.to_dict("records"):
            factor = hour_factor(rule.hour_prices, site.longitude, slot["start_utc_h"], slot["length_h"])
            kinds = [(GRID, years, most, price * factor, site.carbon_g_kwh, low_carbon_share(world, site))]
            if rule.clean_power is not None:
                since = years >= (rule.clean_power.first or years[0])
                dearer = price * factor + rule.clean_power.premium
                kinds.append((CLEAN, years[since], most[since], dearer[since], 0.0, 1.0))
            for name, offer in world.scenario.onsite.items():
                if offer.storage is None and (not offer.sites or site.id in offer.sites):
                    fuel = offer.energy_price * grown(world.scenario, years, 1 + world.scenario.money.general_inflation)
                    kinds.append((name, years, np.zeros(len(years)), fuel, offer.carbon, float(offer.carbon == 0)))
            for name, when, mw, usd, grams, clean in kinds:
                at = (when - years[0]).astype(int)
                parts.append(pd.DataFrame({
                    "place": site.id, "source": name, "period": when.astype(int), "slice": slot["slice"],
                    "hours": slot["hours"], "max": mw, "g_kwh": float(grams), "l_kwh": water, "clean": float(clean),
                    "usd_kwh": usd + grams / 1e6 * co2[at] + water / 1e3 * water_price[at],
                }))
    return pd.concat(parts, ignore_index=True)


def low_carbon_share(world: World, site: Site) -> float:
    """Share of a site's grid power from low-carbon sources: its country's in table `carbon`; 0 where it is unknown."""
    table = world.catalogue.table("carbon")
    found = table.loc[table["id"] == site.country, "low_carbon_share"].dropna()
    return float(found.iloc[0]) if len(found) else 0.0


def _carbon_price(world: World, rule: Energy, year: int) -> float:
    return by_year(rule.carbon_price, year) if rule.carbon_price else world.scenario.money.carbon_price


def energy(
    world: World, designs: list[Pod], offered: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """(tables of the topic, cost rows, sources in the user's words); nothing where power is not modelled."""
    if not modelled(world):
        return {}, pd.DataFrame(columns=COLUMNS), pd.DataFrame()
    words = sources(world)
    words["cash"] = words["usd_kwh"] * words["hours"] * 1e3 / 1e6  # million USD per MW over the slice
    words["objective"] = words["cash"] * discount(world.scenario, words["period"].to_numpy(dtype=float))
    rule = world.scenario.energy or Energy()
    overhead = pd.DataFrame([(s.id, s.pue) for s in world.sites], columns=["place", "pue"])
    runs = tables["activities"][["activity", "asset"]].merge(
        offered[["activity", "power_w_per_accelerator", "first", "service_class"]], on="activity")
    runs = runs.merge(overhead, how="cross").merge(pd.DataFrame({"period": world.years}), how="cross")
    runs = runs[runs["period"] >= runs["first"]]
    moving = 1 + (runs["pue"] - 1) * (1 - rule.overhead_fixed)
    idle = _idle_watts(world, designs)
    busy = 1 - runs["service_class"].map({name: c.spare_share for name, c in world.scenario.classes.items()})
    watts = runs["power_w_per_accelerator"] - busy * runs["asset"].map(idle).fillna(0.0)  # those set aside only idle
    draws = runs.assign(amount=watts.clip(lower=0.0) * moving / 1e3)  # W each = MW per thousand / 1e3
    halls = tables["blocks"][tables["blocks"]["resource"] == POWER].merge(overhead, on="place")
    halls = halls.assign(amount=halls["capacity"] * (halls["pue"] - 1) * rule.overhead_fixed)
    made = {
        "activity_costs": tables["activity_costs"].iloc[:0],
        "sources": words[["place", "source", "period", "slice", "max", "objective", "cash"]],
        "draws": draws[["place", "activity", "period", "amount"]].reset_index(drop=True),
        **_onsite(world),
    }
    if idle:
        made["idle_draws"] = _idle_draws(world, designs, idle)
    if rule.overhead_fixed:
        made["block_draws"] = halls[["place", "block", "amount"]]
    paid = words.assign(variable="draw", item=words["source"], topic="energy", kind="opex", year=words["period"])
    return made, whole(paid)[COLUMNS], words


def idle_share(world: World, designs: list[Pod]) -> dict[str, float]:
    """{asset: share of nameplate power drawn though nothing runs}; zeros unless the scenario asks for it."""
    given = world.scenario.energy.idle_power if world.scenario.energy is not None else None
    if given != "catalogue":
        return {pod.id: float(given or 0.0) for pod in designs}
    table = calibration(world)
    return {pod.id: float(table.fit(pod.accelerator.generation, ANY).idle_power) for pod in designs}


def _idle_watts(world: World, designs: list[Pod]) -> dict[str, float]:
    """{asset: watts that one accelerator draws, all-in, though nothing runs on it}; empty where that is nothing."""
    share = idle_share(world, designs)
    return {pod.id: share[pod.id] * pod.accelerator.it_power_w for pod in designs if share[pod.id]}


def _idle_draws(world: World, designs: list[Pod], idle: dict[str, float]) -> pd.DataFrame:
    """Table idle_draws: what stands draws at the meter; the overhead that halls draw anyway is theirs."""
    rule = world.scenario.energy or Energy()
    rows = [
        (s.id, pod.id, pod.size * idle[pod.id] * each / 1e6, idle[pod.id] * each / 1e3)
        for s in world.sites for pod in designs for each in (1 + (s.pue - 1) * (1 - rule.overhead_fixed),)
    ]
    return pd.DataFrame(rows, columns=["place", "asset", "per_unit", "per_amount"])


def _onsite(world: World) -> dict[str, pd.DataFrame]:
    feeding, stores = [], []
    for name, offer in world.scenario.onsite.items():
        for site in world.sites:
            if offer.sites and site.id not in offer.sites:
                continue
            if offer.storage is None:
                feeding.append((site.id, name, name, offer.size))
            else:
                stores.append((site.id, name, name, offer.size, offer.size * offer.storage, offer.efficiency))
    made = {}
    if feeding:
        made["source_blocks"] = pd.DataFrame(feeding, columns=["place", "source", "block", "amount"])
    if stores:
        columns = ["place", "store", "block", "power", "energy", "efficiency"]
        made["stores"] = pd.DataFrame(stores, columns=columns)
    return made


def energy_limits(world: World, words: pd.DataFrame) -> Limits:
    """Tonnes of CO2 and water and the least share of low-carbon power, all sites together; and each grid's MW."""
    rule = world.scenario.energy
    if words.empty:
        return []
    draws = words.assign(variable="draw", item=words["source"])
    mwh = draws["hours"]
    out: Limits = []
    for year in world.years:
        now = draws["period"] == year
        if rule is not None and rule.carbon_limit:
            tonnes = (mwh * draws["g_kwh"] / 1e3)[now] / 1e3  # kt per MW over the slice
            rows = draws[now].assign(coefficient=tonnes)
            out.append(limit_row("carbon limit", year, by_year(rule.carbon_limit, year) / 1e3, rows))
        if rule is not None and rule.water_limit:
            rows = draws[now].assign(coefficient=(mwh * draws["l_kwh"])[now] / 1e3)
            out.append(limit_row("water limit", year, by_year(rule.water_limit, year) / 1e3, rows))
        if rule is not None and rule.clean_share:
            least = by_year(rule.clean_share, year, "linear")
            rows = draws[now].assign(coefficient=(mwh * (draws["clean"] - least))[now] / 1e3)
            out.append(limit_row("clean power", year, 0.0, rows, ">="))
    shared = draws[draws["source"].isin([GRID, CLEAN]) & np.isfinite(draws["max"])].assign(coefficient=1.0)
    if (shared["source"] == CLEAN).any():
        for (place, year, part), rows in shared.groupby(["place", "period", "slice"], sort=False):
            name = f"grid of {place} {year} {part}"
            out.append(limit_row(f"grid of {place}", int(str(year)), float(rows["max"].max()), rows, name=name))
    return out
