"""Foresight: the plan of one who sees the whole horizon, of one who sees some years, of one who sees this year only.

The short-sighted decide year by year on what they see (their horizon ends there), keep what they decided and did, and
meet the years as they come. What they pay and leave unserved over the whole horizon, against the plan with perfect
foresight, is the cost of short sight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from capacity.catalogue import load_catalogue
from capacity.errors import InfeasibleError, InputError
from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import Problem, build_problem
from capacity.scenario import Scenario, check_against, load_scenario
from capacity.scenario.demand import path_by_year
from capacity.solving import Options, Solution
from capacity.solving.onward import onward
from capacity.solving.resolve import resolve
from capacity.studies.differ import decided
from capacity.studies.rows import figures

Told = Callable[[str], None]


@dataclass(frozen=True)
class Sight:
    """A way of looking ahead and the plan it leads to; `years` ahead of the one that decides (None: all)."""

    name: str
    years: int | None
    plan: Plan


def foresight(
    source: str, sets: Sequence[str] = (), ahead: Sequence[int] = (0, 2), options: Options = Options(threads=1),  # noqa: B008
    tell: Told | None = None, perfect: bool = True,
) -> list[Sight]:
    """Plans under perfect foresight, then for each look-ahead (0: myopic). Every plan is audited on the whole horizon.

    Without `perfect` the short-sighted plans come alone: of a large scenario the plan for all years at once may take
    minutes where year by year takes seconds.

    Raises InputError for a negative look-ahead; InfeasibleError when short sight leads where a demand that must be
    served cannot be, naming the look-ahead.
    """
    if any(years < 0 for years in ahead):
        raise InputError("look-ahead: give a number of years of at least 0")
    whole = load_scenario(source, sets)
    problem = _problem(whole)
    out = [Sight("perfect", None, _plan(whole, problem, resolve(problem, options).solution))] if perfect else []
    for years in ahead:
        try:
            solution = short_sighted(source, tuple(sets), years, options, tell)
        except InfeasibleError as error:
            raise InfeasibleError(f"short sight ({_name(years)}): {error}") from error
        out.append(Sight(_name(years), years, _plan(whole, problem, solution)))
    return out


def short_sighted(
    source: str, sets: tuple[str, ...], ahead: int, options: Options, tell: Told | None = None
) -> Solution:
    """The plan of one who in each year sees `ahead` more years; what is decided and done in a year stays so."""
    whole = load_scenario(source, sets)
    frozen = (*sets, *demand_as_written(whole))
    first, *later = _years(whole)
    found = None
    for year in (first, *later):
        seen = load_scenario(source, (*frozen, f"years.last={min(year + ahead, whole.years.last)}"))
        found = onward(_problem(seen), options, None if found is None else found.keepsake, year)
        if tell is not None:
            tell(f"{_name(ahead)}: {year} decided")
    assert found is not None
    return found.solution


def _name(ahead: int) -> str:
    """What a look-ahead of some years is called."""
    return "myopic" if ahead == 0 else f"{ahead} year{'s' if ahead > 1 else ''} ahead"


def demand_as_written(scenario: Scenario) -> list[str]:
    """Overrides that give each class its demand year by year, so that a shorter horizon asks the same."""
    out = []
    for name, path in scenario.demand.classes.items():
        amounts = zip(_years(scenario), path_by_year(path, scenario.years), strict=True)
        told = ", ".join(f"{year}: {amount:.12g}" for year, amount in amounts)
        out.append(f'demand.classes."{name}"={{by_year: {{{told}}}}}')
    return out


def cost_of_short_sight(sights: Sequence[Sight]) -> pd.DataFrame:
    """Figures of each way of looking and, where perfect foresight is the first, how much more than that it costs and
    leaves unserved; `verdict` says whether the goals tell the two plans apart (`differ.decided`)."""
    rows = [{"foresight": s.name, **figures(s.plan)} for s in sights]
    table = pd.DataFrame(rows)
    if not rows or sights[0].years is not None:
        return table
    goals = list(sights[0].plan.stages["goal"])
    table["verdict"] = ["", *(decided(rows[0], row, goals) for row in rows[1:])]
    table.insert(1, "extra_cost_musd", table["cost_musd"] - table["cost_musd"].iloc[0])
    table.insert(2, "extra_short_share", table["short_share"] - table["short_share"].iloc[0])
    return table


def _problem(scenario: Scenario) -> Problem:
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    return build_problem(scenario, catalogue)


def _plan(scenario: Scenario, problem: Problem, solution: Solution) -> Plan:
    plan = assemble(scenario, problem, solution)
    check_audit(audit(scenario, problem, solution.values, plan.stages, plan.tables))
    return plan


def _years(scenario: Scenario) -> list[int]:
    return list(range(scenario.years.first, scenario.years.last + 1))
