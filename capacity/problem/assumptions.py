"""The numbers a plan stands on, with source and confidence, so that a report can show which are guesses."""

from __future__ import annotations

import pandas as pd

from capacity.problem.pods import Pod
from capacity.problem.world import World

COLUMNS = ["what", "value", "unit", "confidence", "source"]


def assumptions(world: World, designs: list[Pod]) -> pd.DataFrame:
    """Rows (what, value, unit, confidence, source): the scenario's own choices and the catalogue rows it uses."""
    rows = [*_scenario(world), *_cards(world, designs), *_supply(world)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _scenario(world: World) -> list[tuple[str, str, str, str, str]]:
    scenario = world.scenario
    source = f"scenario {scenario.name}"
    rows = []
    for name, c in scenario.classes.items():
        tokens = f"{c.output_tokens:,.0f} out, {c.fresh_input_tokens:,.0f} fresh, {c.cached_input_tokens:,.0f} cached"
        rows.append((f"class {name}: tokens per human-hour", tokens, "tokens/h", "estimate", source))
    for name, v in scenario.variants.items():
        factors = ", ".join(f"{c} {world.level(f, 'mid'):g}" for c, f in v.equivalence.items())
        rows.append((f"variant {name}: equivalence factor", factors, "human-hours/instance-hour", "estimate", source))
    money = scenario.money
    rows += [
        ("discount rate", f"{money.discount_rate:.1%}", "per year", "estimate", source),
        ("life of accelerators", f"{money.it_life:g}", "years", "estimate", source),
        ("life of shells", f"{money.shell_life:g}", "years", "estimate", source),
        ("growth of power price", f"{money.power_price_growth:.4g}", "x per year", "estimate", source),
        ("growth of construction cost", f"{money.build_cost_growth:.4g}", "x per year", "estimate", source),
    ]
    return rows


def _cards(world: World, designs: list[Pod]) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for card in {p.accelerator.id: p.accelerator for p in designs}.values():
        figures = f"{card.memory_gb:g} GB, {card.memory_bandwidth_gb_s:g} GB/s, ${card.price_usd:,.0f}"
        rows.append((f"accelerator {card.name}", figures, "", card.confidence, card.source))
    for name in dict.fromkeys(v.model for v in world.scenario.variants.values()):
        model = world.catalogue.model(name)
        size = f"{model.layers} layers x {model.d_model}"
        rows.append((f"model {model.name}", size, "", model.confidence, model.source))
    for site in world.sites:
        figures = f"${site.power_usd_kwh:.3f}/kWh, ${site.build_musd_per_mw:.1f} M/MW, up to {site.grid_limit_mw:g} MW"
        rows.append((f"site {site.name}", figures, "", site.confidence, "table sites"))
    return rows


def _supply(world: World) -> list[tuple[str, str, str, str, str]]:
    supply = world.scenario.supply
    if "catalogue" not in (supply.accelerators, supply.hbm, supply.power):
        return []
    table = world.catalogue.table("supply")
    table = table[table["year"].isin([world.years[0], world.years[-1]])]
    return [
        (f"supply: {r['quantity']} {r['year']}", f"{r['value']:,.4g} ({r['low']:,.4g} - {r['high']:,.4g})",
         str(r.get("unit", "")), str(r["confidence"]), str(r["source"]))
        for r in table.to_dict("records")
    ]
