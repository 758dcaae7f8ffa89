"""Limits: budgets in nominal cash, supply of chips and memory, power of the world, each as a row of terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from capacity.problem.halls import hall_types, phase_mw
from capacity.problem.pods import Pod
from capacity.problem.world import World
from capacity.scenario import by_year, capex_budget

TERM = ["limit", "variable", "place", "item", "period", "period2", "slice", "coefficient"]


def limits(
    world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame], costs: pd.DataFrame,
    further: Sequence[tuple[dict[str, Any], pd.DataFrame]] = (),
) -> dict[str, pd.DataFrame]:
    """Tables limits and limit_terms; `costs` is the long table of cash per unit of each variable and year."""
    parts = [*_supply(world, designs, tables), *_power(world, tables), *_budgets(world, costs), *further]
    rows = [head for head, _ in parts]
    terms = [t for _, t in parts]
    return {
        "limits": pd.DataFrame(rows, columns=["limit", "topic", "sense", "rhs", "period"]),
        "limit_terms": pd.concat(terms, ignore_index=True) if terms else pd.DataFrame(columns=TERM),
    }


def limit_row(
    topic: str, year: int, rhs: float, terms: pd.DataFrame, sense: str = "<=", name: str = ""
) -> tuple[dict[str, Any], pd.DataFrame]:
    """One limit and its terms (columns of TERM, those that are empty may be missing), named by topic and year."""
    name = name or f"{topic} {year}"
    empty: dict[str, str | int] = {"place": "", "item": "", "period": 0, "period2": 0, "slice": ""}
    full = terms.assign(limit=name, **{column: value for column, value in empty.items() if column not in terms})
    return {"limit": name, "topic": topic, "sense": sense, "rhs": rhs, "period": year}, full[TERM]


def offered(world: World, given: Any, quantity: str) -> dict[int, float]:
    """Limit by year: the scenario's own numbers, or the catalogue's supply less what training and others take."""
    if given is None:
        return {}
    if given != "catalogue":
        return {y: by_year(given, y) for y in world.years}
    return supply_of(world, quantity)


def supply_of(world: World, quantity: str) -> dict[int, float]:
    """World supply of a quantity in each year times the share open to this plan, at the scenario's level."""
    table = world.catalogue.table("supply").sort_values("year")
    column = {"low": "low", "mid": "value", "high": "high"}[world.scenario.supply.level]

    def known(name: str) -> dict[int, float]:
        rows = table[table["quantity"] == name]
        return dict(zip(rows["year"].astype(int).tolist(), rows[column].astype(float).tolist(), strict=True))

    amount, share = known(quantity), known("inference_share")
    return {y: float(by_year(amount, y)) * float(by_year(share, y)) * world.scenario.supply.share for y in world.years}


def _supply(
    world: World, designs: list[Pod], tables: Mapping[str, pd.DataFrame]
) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    supply = world.scenario.supply
    pods = pd.DataFrame([
        (p.id, p.accelerator.id, p.accelerator.vendor, p.size / 1000, p.size * p.accelerator.memory_gb / 1e6)
        for p in designs
    ], columns=["asset", "accelerator", "vendor", "thousand", "pb"])
    cells = tables["asset_cells"].merge(pods, on="asset")
    cells = cells.rename(columns={"asset": "item", "vintage": "period"}).assign(variable="bought")
    out = []

    def add(topic: str, by: Mapping[int, float], column: str, chosen: pd.DataFrame) -> None:
        for year, rhs in by.items():
            terms = chosen[chosen["period"] == year]
            if len(terms):
                out.append(limit_row(topic, year, rhs, terms.assign(coefficient=terms[column])))

    chips = offered(world, supply.accelerators, "accelerators_shipped")
    add("accelerator supply", {y: n / 1000 for y, n in chips.items()}, "thousand", cells)
    memory = offered(world, supply.hbm, "hbm_gb")
    add("HBM supply", {y: gb / 1e6 for y, gb in memory.items()}, "pb", cells)
    for vendor, given in supply.vendors.items():
        by = {y: by_year(given, y) / 1000 for y in world.years}
        add(f"{vendor} supply", by, "thousand", cells[cells["vendor"] == vendor])
    for name, override in world.scenario.accelerators.items():
        if override is not None and override.supply is not None:
            card = world.catalogue.accelerator(name)
            by = {y: by_year(override.supply, y) / 1000 for y in world.years}
            add(f"{card.id} supply", by, "thousand", cells[cells["accelerator"] == card.id])
    return out


def _power(world: World, tables: Mapping[str, pd.DataFrame]) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Facility MW of phases in service, beyond what exists already."""
    by = offered(world, world.scenario.supply.power, "ai_power_mw")
    life = int(world.scenario.money.shell_life)
    existing = sum(s.existing_mw for s in world.sites)
    cells = tables["block_cells"][["place", "block", "period"]].rename(columns={"block": "item"})
    out = []
    cells = cells[cells["item"].isin([h.name for h in hall_types(world)])]
    for year, rhs in by.items():
        terms = cells[(cells["period"] <= year) & (year < cells["period"] + life)]
        if len(terms):
            out.append(limit_row("power supply", year, max(rhs - existing, 0.0),
                            terms.assign(variable="built", coefficient=phase_mw(world))))
    return out


def _budgets(world: World, costs: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    money = world.scenario.money
    capex, opex = capex_budget(money, world.years), money.opex_budget
    given = {
        "capex": {} if capex is None else dict(zip(world.years, capex, strict=True)),
        "opex": {} if opex is None else {y: by_year(opex, y) for y in world.years},
    }
    out = []
    for kind, budgets in given.items():
        if not budgets:
            continue
        spent = costs[(costs["kind"] == kind) & (costs["cash"] != 0)]
        keys = ["variable", "place", "item", "period", "period2", "slice"]
        for year in world.years:
            counted = spent["year"] <= year if money.carry_over else spent["year"] == year
            terms = spent[counted].groupby(keys, as_index=False, sort=False)[["cash"]].sum()
            if len(terms):
                rhs = sum(b for y, b in budgets.items() if y == year or (money.carry_over and y < year)) / 1e6
                out.append(limit_row(f"{kind} budget", year, rhs, terms.rename(columns={"cash": "coefficient"})))
    return out
