"""From a solution to a plan: every table in the user's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from capacity.plan import accounts, buildout, offers, service, tokens
from capacity.plan.binding import limits_table
from capacity.plan.columns import conform, word
from capacity.plan.day import day_table
from capacity.plan.flows import flows_table
from capacity.plan.headline import headline, short_years
from capacity.plan.losses import loss_tables
from capacity.plan.model import Plan
from capacity.plan.money import money_table
from capacity.plan.training import training_table
from capacity.plan.ways import ways_limit
from capacity.plan.yearly import schedule_table
from capacity.problem import Problem
from capacity.scenario.schema import Scenario

if TYPE_CHECKING:
    from capacity.catalogue import Catalogue
    from capacity.solving import Solution


def assemble(scenario: Scenario | None, problem: Problem, solution: Solution) -> Plan:
    """The plan of a solution: tables of `columns.PLAN_TABLES`, a summary fit for JSON, stages and assumptions.

    Works for problems made by hand too (scenario None, no words): the waist's own names stand in for missing words.
    """
    values = solution.values
    catalogue = tokens.catalogue_of(scenario)
    tables = _tables(scenario, problem, solution, catalogue)
    stages = conform("stages", pd.DataFrame(
        [(s.order, s.goal, s.objective, s.bound, s.gap, s.seconds, s.status) for s in solution.stages],
        columns=["order", "goal", "objective", "bound", "gap", "seconds", "status"],
    ))
    name = scenario.name if scenario is not None else problem.name
    told = pd.concat([word(problem, "assumptions"), tokens.constants_used(catalogue)])
    ways = ways_limit(problem, stages, solution.seconds)
    summary = _summary(name, solution, stages, tables) | ({} if ways is None else {"ways": ways})
    return Plan(
        name=name, status=solution.status, scenario=scenario, summary=summary, tables=tables, stages=stages,
        assumptions=conform("assumptions", told), problem=problem, values=dict(values),
    )


def _tables(
    scenario: Scenario | None, problem: Problem, solution: Solution, catalogue: Catalogue
) -> dict[str, pd.DataFrame]:
    values = solution.values
    tables = {
        "openings": buildout.openings_table(problem, values),
        "phases": buildout.phases_table(problem, values),
        "pods": buildout.pods_table(problem, values),
        "fleet": buildout.fleet_table(problem, values),
        "retirements": buildout.retirements_table(problem, values),
        "rentals": buildout.rentals_table(problem, values),
        "links": buildout.links_table(problem, values),
        "flows": flows_table(problem, values),
        "sharding": service.sharding_table(problem, values, scenario),
        "placement": service.placement_table(problem, values),
        "day": day_table(problem, values),
        "served": service.served_table(problem, values),
        "money": money_table(problem, values),
        "onsite": accounts.onsite_table(problem, values),
        "reservations": accounts.reservations_table(problem, values),
        "accounts": accounts.accounts_table(problem, values, scenario),
        "limits": limits_table(problem, values),
        "sites": buildout.site_words(problem),
        "regions": conform("regions", word(problem, "regions")),
        "token_prices": tokens.token_prices(scenario, catalogue),
        "refused": offers.refused_table(problem),
        "trips": offers.trips_table(problem),
    }
    tables["power"] = service.power_table(problem, values, tables["fleet"])
    worth = tokens.worth_by_year(problem, values, scenario, catalogue)
    tables["schedule"] = schedule_table(problem, values, tables, worth)
    tables |= loss_tables(problem, values, tables)
    tables["training"] = training_table(problem, values, tables)
    tables["prices"] = accounts.prices_table(tables["schedule"], scenario, tables["training"])
    return tables


YEAR_KEYS = {
    "instances": "instances_served", "shortage": "instances_short", "shortage_share": "short_share",
    "facility_mw": "facility_mw", "accelerators": "accelerators", "capex_usd": "capex_usd", "opex_usd": "opex_usd",
    "usd_per_instance_hour": "usd_per_instance_hour", "work_years": "work_years",
    "usd_per_million_output_tokens": "usd_per_million_output_tokens",
}
"""Keys of the summary's years and the schedule columns that they report."""


def _summary(
    name: str, solution: Solution, stages: pd.DataFrame, tables: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    schedule, money = tables["schedule"], tables["money"]
    last = stages.iloc[-1] if len(stages) else None
    cash = money.groupby("kind")["cash_usd"].sum()
    short = short_years(schedule)
    told = headline(schedule, tables["limits"], tables["regions"]["wage_usd_h"], stages)
    return {
        "name": name, "status": solution.status, "headline": told,
        "objective": None if last is None else plain(last["objective"]),
        "bound": None if last is None else plain(last["bound"]),
        "gap": plain(stages["gap"].max()) if len(stages) else None, "seconds": plain(solution.seconds),
        "stages": [{k: plain(v) for k, v in row.items()} for row in stages.to_dict("records")],
        "capex_usd": plain(cash.get("capex", 0.0)), "opex_usd": plain(cash.get("opex", 0.0)),
        "first_short_year": int(short["year"].iloc[0]) if len(short) else None,
        "years": [
            {"year": int(row["year"])} | {key: plain(row[column]) for key, column in YEAR_KEYS.items()}
            for row in schedule.to_dict("records")
        ],
    }


def plain(value: Any) -> Any:
    """A number fit for JSON: a Python int, float or text; None for NaN and infinities."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    return float(value) if np.isfinite(value) else None
