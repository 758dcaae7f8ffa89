"""What the user asks: YAML with units, inheritance and overrides, read into one checked, immutable Scenario.

Files become layers (`layers`), layers a typed Scenario (`schema`), and every mistake a message with file and line.
"""

from capacity.scenario.check import check_against
from capacity.scenario.demand import by_year, capex_budget, demand_table
from capacity.scenario.load import (
    differences,
    find_scenario,
    json_schema,
    list_scenarios,
    load_scenario,
    resolved,
    scenario_hash,
)
from capacity.scenario.schema import Scenario
from capacity.scenario.template import write_template

__all__ = [
    "Scenario",
    "by_year",
    "capex_budget",
    "check_against",
    "demand_table",
    "differences",
    "find_scenario",
    "json_schema",
    "list_scenarios",
    "load_scenario",
    "resolved",
    "scenario_hash",
    "write_template",
]
