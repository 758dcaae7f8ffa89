"""Alternatives: plans within a few per cent of the best that differ most; and what all of them share.

What every one of them does is no-regret within that slack, and is listed first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from capacity.catalogue import load_catalogue
from capacity.errors import InputError
from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import Problem, build_problem
from capacity.scenario import check_against, load_scenario
from capacity.solving import Options, Solution, Stage
from capacity.solving.compile import Form, compile_problem
from capacity.solving.keepsake import names_of
from capacity.solving.nearby import nearby
from capacity.solving.resolve import resolve
from capacity.studies.rows import chip_shares, figures, sites_used

Dimension = Literal["sites", "vendors", "years"]
DIMENSIONS: tuple[Dimension, ...] = ("sites", "vendors", "years")


@dataclass(frozen=True)
class Alternatives:
    """The best plan first, then the alternatives, each audited; `no_regret`: what all of them do."""

    plans: tuple[Plan, ...]
    no_regret: pd.DataFrame
    """decision, place, item, year, at_least: the least that any of the plans does of it"""
    table: pd.DataFrame
    """plan, figures, extra cost as a share, whether the gap of the best plan tells it apart by some goal (`decided`),
    what it does without (of the best plan's groups) and has instead"""


def alternatives(
    source: str, sets: Sequence[str] = (), within: float = 0.03, dimension: Dimension = "sites", count: int = 3,
    options: Options = Options(threads=1), tell: Callable[[str], None] | None = None,  # noqa: B008
) -> Alternatives:
    """Plans within a share `within` of every goal's value that do least of what was done before.

    dimension: `sites` (accelerators in use by site), `vendors` (by vendor) or `years` (accelerators bought by year).
    Raises InputError for an unknown dimension or a share below 0.
    """
    if dimension not in DIMENSIONS:
        raise InputError(f"dimension {dimension!r}: allowed: {', '.join(DIMENSIONS)}")
    if not 0 <= within < 1:
        raise InputError(f"within {within:g}: give a share from 0 to below 1, such as 3 %")
    scenario = load_scenario(source, sets)
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    problem = build_problem(scenario, catalogue)
    first = resolve(problem, options)
    assert first.keepsake is not None
    if tell is not None:
        tell("the best plan is known")
    form = compile_problem(problem)
    best = first.keepsake.point(form, names_of(form))
    group, size, _ = groups(problem, form, dimension)
    found = nearby(form, best, group, size, within, count, options,
                   None if tell is None else lambda n: tell(f"alternative {n}"))
    solutions = [first.solution, *(_solution(form, f.point, first.solution) for f in found)]
    plans = []
    for solution in solutions:
        plan = assemble(scenario, problem, solution)
        check_audit(audit(scenario, problem, solution.values, plan.stages, plan.tables))
        plans.append(plan)
    return Alternatives(tuple(plans), no_regret([s.values for s in solutions]), _table(plans, dimension))


def groups(
    problem: Problem, form: Form, dimension: Dimension
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """(group of each column or -1, what a unit of it counts, names): thousand accelerators in use, or bought."""
    group, size, names = np.full(form.columns, -1), np.zeros(form.columns), dict[str, int]()
    if dimension == "years":
        keys = form.labels.keys_of("bought")
        units = problem.table("assets").set_index("asset")["unit_size"]
        labels = [str(v) for v in keys[2]]
        counts = units.reindex([str(a) for a in keys[1]]).to_numpy(dtype=float)
        span = form.labels.span("bought")
    else:
        keys = form.labels.keys_of("use")
        hours = problem.table("slices").set_index("slice")["hours"]
        counts = (hours / hours.sum()).reindex([str(h) for h in keys[3]]).to_numpy(dtype=float)
        labels = [str(p) for p in keys[0]] if dimension == "sites" else _vendors(problem, [str(a) for a in keys[1]])
        span = form.labels.span("use")
    group[span] = [names.setdefault(label, len(names)) for label in labels]
    size[span] = counts
    return group, size, list(names)


def _vendors(problem: Problem, activities: Sequence[str]) -> list[str]:
    """The vendor of each activity's pods; the asset itself in a problem that knows no vendors."""
    asset = problem.table("activities").set_index("activity")["asset"]
    words = problem.words.get("pods")
    vendor = {} if words is None else dict(zip(words["pod"], words["vendor"], strict=True))
    return [str(vendor.get(asset[a], asset[a])) for a in activities]


def _solution(form: Form, point: NDArray[np.float64], best: Solution) -> Solution:
    """The alternative as a solution: its own values for each goal, against the best plan's bounds."""
    from capacity.solving.solution import relative_gap

    stages = []
    for stage in best.stages:
        value = float(form.cost[stage.goal] @ point) + form.offset[stage.goal]
        gap = relative_gap(value, stage.bound)
        stages.append(Stage(stage.order, stage.goal, value, stage.bound, gap, 0.0, "gap_reached"))
    return Solution("gap_reached", tuple(stages), form.tables(point), 0.0)


def no_regret(values: Sequence[dict[str, pd.DataFrame] | object]) -> pd.DataFrame:
    """Decisions that every solution takes: the cell, and the least that any of them does of it."""
    from capacity.studies.fixing import DECISIONS, TERMS

    rows = []
    for name in DECISIONS:
        place, item, period = TERMS[name]
        keys = [k for k in (place, item, period) if k]
        shared: pd.Series | None = None
        for table in values:
            own = table[name].set_index(keys)["value"]  # type: ignore[index]
            shared = own if shared is None else pd.concat([shared, own], axis=1, join="inner").min(axis=1)
        assert shared is not None
        for index, value in shared[shared > 1e-6].items():
            parts = dict(zip(keys, index if isinstance(index, tuple) else (index,), strict=True))
            rows.append((name, parts[place], parts[item] if item else "", int(parts[period]), float(value)))
    out = pd.DataFrame(rows, columns=["decision", "place", "item", "year", "at_least"])
    return out.sort_values(["year", "decision", "place", "item"]).reset_index(drop=True)


def _table(plans: Sequence[Plan], dimension: Dimension) -> pd.DataFrame:
    rows, first = [], _has(plans[0], dimension)
    for number, plan in enumerate(plans):
        own, row = _has(plan, dimension), figures(plan)
        rows.append({
            "plan": "best" if number == 0 else f"alternative {number}", **row,
            "without": ", ".join(sorted(first - own)), "instead": ", ".join(sorted(own - first))})
    table = pd.DataFrame(rows)
    table.insert(1, "extra_cost_share", table["cost_musd"] / table["cost_musd"].iloc[0] - 1.0)
    table.insert(2, "decided", [number == 0 or _told_apart(plans[0], plan) for number, plan in enumerate(plans)])
    return table


def _told_apart(best: Plan, plan: Plan) -> bool:
    """Whether a plan is worse than the best one in some goal by more than what is not proven of the best one."""
    one, other = best.stages.set_index("goal"), plan.stages.set_index("goal")
    unproven = (one["objective"] - one["bound"]).abs()
    return bool((other["objective"] - one["objective"] > unproven + 1e-6 * one["objective"].abs()).any())


def _has(plan: Plan, dimension: Dimension) -> set[str]:
    if dimension == "sites":
        return sites_used(plan)
    if dimension == "years":
        pods = plan.tables["pods"]
        return {str(y) for y in pods.loc[pods["accelerators"] > 0, "vintage"].unique()}
    words = plan.problem.words.get("pods", pd.DataFrame({"accelerator": [], "vendor": []}))
    vendor = dict(zip(words["accelerator"], words["vendor"], strict=True))
    return {str(vendor.get(chip, chip)) for chip in chip_shares(plan).index}
