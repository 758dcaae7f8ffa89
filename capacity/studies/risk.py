"""Plans under uncertainty: commit now, learn, then adapt; what it costs not to know, and what knowing is worth.

A future is a weighted set of overrides. What distinguishes the futures is revealed in stated years: a decision whose
year of commitment lies before that is the same in all futures that still look alike. Sites are committed `lead` years
before they enter service, and so are phases, pods and links.

    expected cost        of the plan that weighs all futures (the recourse problem, RP)
    wait and see         of deciding after everything is known (WS); RP - WS: value of perfect information
    mean future's plan   commitments of the scenario as it stands, adapted later (EEV); EEV - RP: value of the
                         stochastic solution (Birge 1982)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from capacity.catalogue import load_catalogue
from capacity.errors import InfeasibleError, InputError
from capacity.problem import Problem, build_problem
from capacity.scenario import check_against, load_scenario
from capacity.scenario.units import Fraction, Seconds
from capacity.scenario.yaml_lines import read_yaml_file
from capacity.solving import Options
from capacity.solving.compile import Form, compile_problem
from capacity.solving.futures import solve_together, together
from capacity.solving.tighten import round_rows
from capacity.studies.fixing import DECISIONS, TERMS
from capacity.studies.keys import Base

Floats = NDArray[np.float64]
GOAL = "cost_and_shortage"
Aim = Literal["expected", "cvar", "regret"]


class FutureSpec(BaseModel):
    """One future: its weight, what it sets (keys as for --vary), and its branch of each thing that is revealed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    weight: float = Field(gt=0)
    set: dict[str, str | float] = Field(default_factory=dict)
    branch: dict[str, str] = Field(default_factory=dict, description="revealed thing -> which way; default: its name")


class RiskSpec(BaseModel):
    """Weighted futures of one scenario, and when they part."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = "futures"
    description: str = ""
    scenario: str
    set: list[str] = Field(default_factory=list)
    reveal: int | dict[str, int] = Field(description="year in which all is known, or a year for each thing revealed")
    lead: int = Field(1, ge=0, description="years from commitment to service")
    futures: list[FutureSpec] = Field(min_length=1)
    risk: Fraction = 0.0
    alpha: Fraction = 0.9
    gap: Fraction = 0.01
    time_limit: Seconds = 600.0


@dataclass(frozen=True)
class Futures:
    """Futures as compiled programs; weights sum to one."""

    spec: RiskSpec
    problems: tuple[Problem, ...]
    forms: tuple[Form, ...]
    weights: tuple[float, ...]
    nodes: tuple[Mapping[int, Hashable], ...] = field(default=())

    @property
    def options(self) -> Options:
        """For the solver."""
        return Options(self.spec.gap, self.spec.time_limit, threads=1)


def read_risk(path: Path | str) -> RiskSpec:
    """A file of futures. Raises InputError naming file, key and what is allowed."""
    where = Path(path)
    if not where.is_file():
        raise InputError(f"{where}: no such file of futures")
    data, _ = read_yaml_file(where, where.name)
    try:
        spec = RiskSpec.model_validate(data if isinstance(data, dict) else {})
    except ValidationError as error:
        lines = [f"{where.name}: {'.'.join(str(k) for k in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise InputError("\n".join(lines)) from None
    beside = where.parent / spec.scenario
    return spec.model_copy(update={"scenario": str(beside)}) if beside.is_file() else spec


def compile_futures(spec: RiskSpec) -> Futures:
    """Build and compile every future. Raises InputError where the scenario's goal is not least cost, or names clash."""
    names = [f.name for f in spec.futures]
    if len(set(names)) < len(names):
        raise InputError(f"futures: the name {next(n for n in names if names.count(n) > 1)!r} is given twice")
    base = Base(load_scenario(spec.scenario, spec.set))
    if base.scenario.goal.kind != "least_cost":
        raise InputError(f"{spec.scenario}: goal {base.scenario.goal.kind}; futures are weighed by cost: "
                         "add --set goal.kind=least_cost with a shortage price")
    problems = tuple(future_problem(spec, base, future.set) for future in spec.futures)
    forms = tuple(round_rows(compile_problem(problem)) for problem in problems)
    total = sum(f.weight for f in spec.futures)
    weights = tuple(f.weight / total for f in spec.futures)
    nodes = tuple(_nodes(form, spec, future) for form, future in zip(forms, spec.futures, strict=True))
    return Futures(spec, problems, forms, weights, nodes)


def future_problem(spec: RiskSpec, base: Base, sets: Mapping[str, str | float]) -> Problem:
    """The planning problem of one future."""
    overrides = [s for path, value in sets.items() for s in base.sets(path, str(value))]
    scenario = load_scenario(spec.scenario, (*spec.set, *overrides))
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    return build_problem(scenario, catalogue)


def _nodes(form: Form, spec: RiskSpec, future: FutureSpec) -> dict[int, Hashable]:
    reveal = {"all": spec.reveal} if isinstance(spec.reveal, int) else spec.reveal
    return known_by(form, reveal, spec.lead, future.name, future.branch)


def known_by(
    form: Form, reveal: Mapping[str, int], lead: int, future: str, branch: Mapping[str, str]
) -> dict[int, Hashable]:
    """Columns decided while something is still to be revealed: what was known of this future by then."""
    ways = {thing: branch.get(thing, future) for thing in reveal}
    out: dict[int, Hashable] = {}
    last = max(reveal.values())
    for column, year in commit_years(form, lead).items():
        if year < last:
            out[column] = tuple((thing, way) for thing, way in ways.items() if reveal[thing] <= year)
    return out


def commit_years(form: Form, lead: int) -> dict[int, int]:
    """Year in which each commitment (opening, phase, pod, link module) is made, by column."""
    years: dict[int, int] = {}
    for name in DECISIONS:
        if name not in form.labels:
            continue
        keys = form.labels.keys_of(name)
        in_service = np.asarray(keys[1 if TERMS[name][1] is None else 2], dtype=object)
        first = form.labels.span(name).start
        years |= {first + i: int(year) - lead for i, year in enumerate(in_service)}
    return years


@dataclass(frozen=True)
class Risk:
    """What uncertainty costs. Money in million USD; `by_future` has a row a future, `commitments` what is decided."""

    expected: float
    bound: float
    cvar: float
    worst_regret: float
    wait_and_see: float
    mean_plan: float | None
    by_future: pd.DataFrame
    commitments: pd.DataFrame
    points: tuple[Floats, ...]

    @property
    def perfect_information(self) -> float:
        """Most that knowing the future before committing is worth."""
        return self.expected - self.wait_and_see

    @property
    def stochastic_solution(self) -> float | None:
        """What weighing the futures saves against committing to the scenario as it stands; None where that fails."""
        return None if self.mean_plan is None else self.mean_plan - self.expected


def weigh(futures: Futures, aim: Aim = "expected") -> Risk:
    """The plan of least expected cost (or CVaR mixed in by the spec's `risk`, or least greatest regret) and its worth.

    Each value is within the spec's gap. Raises InfeasibleError naming the future that has no plan at all.
    """
    spec, options = futures.spec, futures.options
    best = [_alone(futures, k) for k in range(len(futures.forms))]
    risk = spec.risk if aim == "cvar" else 0.0
    against = best if aim == "regret" else None
    program = together(futures.forms, GOAL, futures.weights, futures.nodes, risk, spec.alpha, against)
    outcome = solve_together(program, options)
    costs = np.array([_cost(form, point) for form, point in zip(futures.forms, outcome.points, strict=True)])
    share = np.array(futures.weights)
    table = pd.DataFrame({"future": [f.name for f in spec.futures], "weight": share, "cost_musd": costs,
                          "best_musd": best, "regret_musd": costs - np.array(best)})
    return Risk(
        float(share @ costs), outcome.bound, conditional_value(costs, share, spec.alpha),
        float((costs - np.array(best)).max()), float(share @ np.array(best)), _mean_plan(futures), table,
        commitments(futures.forms[0], futures.nodes[0], outcome.points[0]), outcome.points)


def conditional_value(costs: Floats, weights: Floats, alpha: float) -> float:
    """CVaR: expected cost of the dearest 1 - alpha of the weight."""
    left, total = 1.0 - alpha, 0.0
    for at in np.argsort(-costs, kind="stable"):
        part = min(left, float(weights[at]))
        total += part * float(costs[at])
        left -= part
    return total / (1.0 - alpha)


def _alone(futures: Futures, k: int) -> float:
    try:
        program = together([futures.forms[k]], GOAL, [1.0], [{}])
        return solve_together(program, futures.options).objective
    except InfeasibleError as error:
        raise InfeasibleError(f"future {futures.spec.futures[k].name}: {error}") from error


def _mean_plan(futures: Futures) -> float | None:
    """Expected cost of committing to the scenario as it stands; None where a future has no plan under it."""
    base = Base(load_scenario(futures.spec.scenario, futures.spec.set))
    form = round_rows(compile_problem(future_problem(futures.spec, base, {})))
    middle = solve_together(together([form], GOAL, [1.0], [{}]), futures.options).points[0]
    from capacity.solving.keepsake import Keepsake, names_of

    kept = Keepsake(*names_of(form), middle, {})
    total = 0.0
    for own, node, weight in zip(futures.forms, futures.nodes, futures.weights, strict=True):
        columns = np.fromiter((c for c, known in node.items() if not known), dtype=np.int64)
        values = np.round(kept.point(own, names_of(own))[columns], 9)
        lower, upper = own.lower.copy(), own.upper.copy()
        lower[columns], upper[columns] = np.maximum(values, lower[columns]), np.minimum(values, upper[columns])
        if bool(np.any(lower > upper)):
            return None
        try:
            outcome = solve_together(together([_bounded(own, lower, upper)], GOAL, [1.0], [{}]), futures.options)
        except InfeasibleError:
            return None
        total += weight * outcome.objective
    return total


def _bounded(form: Form, lower: Floats, upper: Floats) -> Form:
    from dataclasses import replace

    return replace(form, lower=lower, upper=upper)


def _cost(form: Form, point: Floats) -> float:
    return float(form.cost[GOAL] @ point) + form.offset[GOAL]


def commitments(form: Form, node: Mapping[int, Hashable], point: Floats) -> pd.DataFrame:
    """What is decided before anything is known: variable, place, item, year, value."""
    first = {column for column, known in node.items() if not known}
    rows: list[tuple[Any, ...]] = []
    for name in DECISIONS:
        if name not in form.labels:
            continue
        span, keys = form.labels.span(name), form.labels.keys_of(name)
        for i in range(span.stop - span.start):
            if span.start + i in first and point[span.start + i] > 1e-6:
                index = [k[i] for k in keys]
                rows.append((name, index[0], index[1] if len(index) > 2 else "", int(index[-1]), point[span.start + i]))
    return pd.DataFrame(rows, columns=["decision", "place", "item", "year", "value"])


def option_value(spec: RiskSpec, sets: Sequence[str]) -> float:
    """What a further possibility is worth (an early grid connection, say): how much it lowers expected cost, M USD."""
    without = weigh(compile_futures(spec)).expected
    return without - weigh(compile_futures(spec.model_copy(update={"set": [*spec.set, *sets]}))).expected
