"""Solved plans that arguments rest on: each audited, each solved once."""

from __future__ import annotations

from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import build_problem
from capacity.scenario import load_scenario
from capacity.solving import Options, solve
from capacity.studies.founding.facts import Facts


def solved(facts: Facts, scenario: str, sets: tuple[str, ...], gap: float, seconds: float) -> Plan:
    """The audited plan of a scenario with overrides, to a gap (relative) or as far as `seconds` lead.

    Raises CapacityError where there is none.
    """
    def make() -> Plan:
        asked = load_scenario(scenario, sets)
        problem = build_problem(asked, facts.catalogue)
        solution = solve(problem, Options(gap=gap, time_limit=seconds, threads=1))
        plan = assemble(asked, problem, solution)
        check_audit(audit(asked, problem, solution.values, plan.stages, plan.tables))
        return plan
    return facts.keep(("plan", scenario, gap, *sets), make)
