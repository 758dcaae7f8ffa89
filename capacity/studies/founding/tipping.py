"""Tipping points of the plan for 8 billion: how far an instance or the world's supply can move until some are unserved.

Every value looked at is a solved plan. One side of the bracket is a plan that serves everyone; on the other side the
bound of the plan's least shortage is above 0, so that no plan does.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd

from capacity.errors import InputError
from capacity.plan import Plan
from capacity.scenario import load_scenario
from capacity.studies.founding.argument import ROUGH
from capacity.studies.founding.bracket import bracket
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.solved import solved

SCENARIO = "eight-billion"
GAP, LOOSE, PROBED, SECONDS = 0.02, 0.05, 0.5, 120.0
"""Gap to prove for a plan whose figures are told, for one of which a share is, and for one where only a bound above 0
is asked for: near a tipping point little is unserved, and a share of little is hard to prove."""
ANY = 1e-3
"""Share of a year's demand unserved from which it counts as short."""
SHARED = {"accelerators": "accelerators_shipped", "hbm": "hbm_gb", "power": "ai_power_mw"}
"""Keys of a scenario's supply, and quantities of supply.csv that are shared with training and others."""
UNITS = {"accelerators": "", "hbm": " GB/year", "power": " MW"}


def planned(facts: Facts, sets: tuple[str, ...], gap: float = GAP) -> Plan:
    """The plan for 8 billion with overrides. Raises CapacityError where there is none."""
    facts.guess("supply", "what the world supplies by 2036")
    facts.guess("accelerator_prices", "purchase prices of accelerators")
    return solved(facts, SCENARIO, sets, gap, SECONDS)


def missing(plan: Plan) -> float:
    """Share of the last year's instances unserved."""
    last = plan.tables["schedule"].iloc[-1]
    return float(last["instances_short"] / last["instances_demanded"])


def thought(factor: float) -> tuple[str, ...]:
    """Overrides for an instance that thinks, reads and turns so many times as much in an hour."""
    kind = load_scenario(SCENARIO).classes["instance"]
    names = ("output_tokens", "fresh_input_tokens", "cached_input_tokens", "turns")
    return tuple(f"classes.instance.{name}={getattr(kind, name) * factor:.6g}" for name in names)


def supplied(facts: Facts, factor: float) -> tuple[str, ...]:
    """Overrides for a world that supplies so many times its mid of accelerators, memory and power, grids included."""
    if factor == 1.0:
        return ()
    base, table = load_scenario(SCENARIO), facts.catalogue.table("supply")
    at = {name: rows.set_index("year")["value"] for name, rows in table.groupby("quantity")}
    years = range(base.years.first, base.years.last + 1)
    told = []
    for key, quantity in SHARED.items():
        left = at[quantity] * at["inference_share"] * factor
        told.append(f"supply.{key}=" + json.dumps({year: f"{left[year]:.8g}{UNITS[key]}" for year in years}))
    for name, site in base.sites.items():
        if site is None or site.grid_limit is None or site.grid_ramp is None:
            raise InputError(f"scenario {SCENARIO}: site `{name}` states no grid_limit and grid_ramp")
        told += [f"sites.{name}.grid_limit={site.grid_limit * factor:.8g} MW",
                 f"sites.{name}.grid_ramp={site.grid_ramp * factor:.8g} MW"]
    return (*told, f"phases.max_per_year={max(1, round(base.phases.max_per_year * factor))}")


def tipping(facts: Facts, asked: Callable[[float], tuple[str, ...]], served: float, short: float) -> pd.DataFrame:
    """What is unserved by value, from one that is served to one that is not, with the tip between two that are close.

    Columns value, short (share of the last year), gap (of the shortage), proven: by a plan that serves all, or by a
    bound.
    """
    rows: dict[float, tuple[float, float, bool]] = {}

    def turned(value: float) -> bool:
        plan = planned(facts, asked(value), PROBED)
        first, share = plan.stages.iloc[0], missing(plan)
        rows[value] = share, float(first["gap"]), bool(share <= ANY or first["bound"] > 0)
        return share > ANY

    if not turned(served) and turned(short):
        bracket(turned, served, short, ROUGH)
    return pd.DataFrame([(value, *rows[value]) for value in sorted(rows)], columns=["value", "short", "gap", "proven"])
