"""A scenario with several futures: a plan for each, alike in all that is decided before they part.

The scenario's goals are met in order over all futures together (`solving/futures_goals`): regret is the greatest over
the futures, every other goal the weighted mean. What a future could have cost at least is found first, by the search
that plans it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd

from capacity.catalogue import load_catalogue
from capacity.errors import AuditError, InfeasibleError, InputError, nearest
from capacity.plan import Plan, assemble, audit, check_audit
from capacity.problem import Problem, build_problem
from capacity.scenario import Scenario, check_against, load_scenario
from capacity.scenario.futures import Futures
from capacity.scenario.goal import REGRET, Goal, GoalName, GoalStep
from capacity.solving import Options, Solution, Stage, solve
from capacity.solving.compile import Form, compile_problem
from capacity.solving.futures_goals import REGRETTED, Goals, Point, Reached, Told, frontier
from capacity.solving.solution import relative_gap
from capacity.solving.tighten import round_rows
from capacity.studies.keys import Base
from capacity.studies.risk import commitments, known_by

ALONE = Futures(reveal=1990, of={"as it stands": {}})
"""Of a scenario without futures: one, known from the start."""
ALONE_SHARE = 0.1
"""Share of the asked gap to which a future is planned alone."""


@dataclass(frozen=True)
class World:
    """Futures ready to be planned for: scenario, problem and program of each, and its share of the weight."""

    scenario: Scenario
    names: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    problems: tuple[Problem, ...]
    forms: tuple[Form, ...]
    weights: tuple[float, ...]
    nodes: tuple[Mapping[int, object], ...]

    def goals(self, names: Sequence[str], options: Options, tell: Told | None = None) -> Goals:
        """The program of all futures for some goals; where regret is one, each future is planned alone first."""
        best = [s.objective for s in self.alone(options, tell)] if REGRET in names else None
        return Goals(self.forms, self.weights, self.nodes, names, options, best, tell)

    def alone(self, options: Options, tell: Told | None = None) -> list[Stage]:
        """Least cost with shortage of each future by itself, to a tenth of the gap asked for: regret is a small
        difference of such costs. Raises InfeasibleError naming a future without a plan."""
        out, options = [], replace(options, gap=options.gap * ALONE_SHARE)
        for name, problem in zip(self.names, self.problems, strict=True):
            if tell is not None:
                tell(f"{name}: planned alone")
            only = pd.DataFrame({"order": [1], "goal": [REGRETTED], "tolerance": [0.0]})
            try:
                solution = solve(replace(problem, tables={**problem.tables, "goals": only}), options)
            except InfeasibleError as error:
                raise InfeasibleError(f"future {name}: {error}") from error
            out.append(solution.stages[-1])
        return out


def read_world(source: str | None, sets: Sequence[str] = (), more: Sequence[str] = ()) -> World:
    """The futures of a scenario; one, as it stands, where it names none. `more`: goals beyond the scenario's own.

    Raises InputError naming the future whose settings are wrong.
    """
    base = load_scenario(source, sets)
    futures = base.futures or ALONE
    named = [goal for goal, _ in base.goal.steps()]
    asked = [goal for goal in dict.fromkeys([*named, *more]) if goal != REGRET]
    if (REGRET in named or REGRET in more) and REGRETTED not in asked:
        asked.append(REGRETTED)
    scenarios, problems, forms, nodes = [], [], [], []
    for name, future in futures.of.items():
        try:
            over = [s for path, value in future.set.items() for s in Base(base).sets(path, str(value))]
            scenario = load_scenario(source, (*sets, *over))
            catalogue = load_catalogue(scenario.catalogue)
            check_against(scenario, catalogue)
            own = alone_in(scenario, name if base.futures else "", asked)
            problem = build_problem(own, catalogue)
        except (InputError, InfeasibleError) as error:
            raise (type(error)(f"future {name}: {error}") if base.futures else error) from error
        form = round_rows(compile_problem(problem))
        scenarios.append(own)
        problems.append(problem)
        forms.append(form)
        reveal = {"all": futures.reveal} if isinstance(futures.reveal, int) else futures.reveal
        nodes.append(known_by(form, reveal, futures.lead, name, future.branch))
    total = sum(future.weight for future in futures.of.values())
    weights = tuple(future.weight / total for future in futures.of.values())
    return World(base, tuple(futures.of), tuple(scenarios), tuple(problems), tuple(forms), weights, tuple(nodes))


def alone_in(scenario: Scenario, future: str, goals: Sequence[str]) -> Scenario:
    """A scenario as one future has it: without the others, for the goals that a single future can have."""
    known: Sequence[GoalName] = goals  # type: ignore[assignment]
    steps = [GoalStep(goal=goal) for goal in known]
    goal = Goal.model_validate({**scenario.goal.model_dump(), "sequence": [s.model_dump() for s in steps]})
    name = f"{scenario.name}-{future}" if future else scenario.name
    return scenario.model_copy(update={"futures": None, "goal": goal, "name": name})


@dataclass(frozen=True)
class FuturesPlan:
    """What a scenario with futures is answered by. `by_future` has a row a future (million USD), `commitments` what is
    decided before anything is known, `plans` the audited plan of each future."""

    name: str
    stages: tuple[Stage, ...]
    status: str
    plans: Mapping[str, Plan]
    by_future: pd.DataFrame
    commitments: pd.DataFrame


def plan_futures(
    source: str | None, sets: Sequence[str] = (), options: Options = Options(), tell: Told | None = None,  # noqa: B008
) -> FuturesPlan:
    """Plans for the futures of a scenario, its goals met in order. Raises InputError where it names none, and what
    `solve` raises."""
    world = read_world(source, sets, (REGRETTED,))
    if world.scenario.futures is None:
        raise InputError(f"scenario {world.scenario.name}: it names no futures")
    steps = world.scenario.goal.steps()
    best = world.alone(options, tell)
    goals = Goals(
        world.forms, world.weights, world.nodes, [goal for goal, _ in steps], options,
        [s.objective for s in best], tell)
    reached = goals.in_order(given_up=dict(steps))
    plans = {name: _plan(world, k, reached, best[k]) for k, name in enumerate(world.names)}
    return FuturesPlan(
        world.scenario.name, reached.stages, reached.status, plans, by_future(world, reached, best),
        commitments(world.forms[0], world.nodes[0], reached.points[0]))


def by_future(world: World, reached: Reached, best: Sequence[Stage]) -> pd.DataFrame:
    """(future, weight, cost_musd, best_musd, regret_musd, regret_at_most_musd): cost with priced shortage of each.

    Best costs are those of plans found; the true ones lie no lower than their bounds, nor the regret above `at most`.
    """
    cost = np.array([_value(form, x, REGRETTED) for form, x in zip(world.forms, reached.points, strict=True)])
    least, bound = (np.array([getattr(s, key) for s in best]) for key in ("objective", "bound"))
    return pd.DataFrame({"future": world.names, "weight": world.weights, "cost_musd": cost, "best_musd": least,
                         "regret_musd": cost - least, "regret_at_most_musd": cost - bound})


def _plan(world: World, k: int, reached: Reached, best: Stage) -> Plan:
    """The audited plan of one future: its goals valued, with what is proven of its cost alone as bound."""
    form, x, problem = world.forms[k], reached.points[k], world.problems[k]
    stages = []
    for order, goal in enumerate(problem.table("goals").sort_values("order")["goal"], start=1):
        value = _value(form, x, str(goal))
        bound = best.bound if goal == REGRETTED else float("-inf")
        stages.append(Stage(order, str(goal), value, bound, relative_gap(value, bound), 0.0, "one_of_several_futures"))
    seconds = sum(s.seconds for s in reached.stages)
    solution = Solution("one_of_several_futures", tuple(stages), form.tables(x), seconds)
    plan = assemble(world.scenarios[k], problem, solution)
    try:
        check_audit(audit(world.scenarios[k], problem, solution.values, plan.stages, plan.tables))
    except AuditError as error:
        raise AuditError(f"future {world.names[k]}: {error}") from error
    return plan


def _value(form: Form, x: np.ndarray, goal: str) -> float:
    return float(form.cost[goal] @ x) + form.offset[goal]


GOALS_OFFERED: tuple[GoalName, ...] = get_args(GoalName)


@dataclass(frozen=True)
class GoalsFrontier:
    """Plans that trade two goals: columns of `points` are the goals by name and the larger gap; `plans` hold them."""

    first: str
    second: str
    points: pd.DataFrame
    plans: tuple[Point, ...]


def goals_frontier(
    source: str | None, names: Sequence[str], sets: Sequence[str] = (), options: Options = Options(),  # noqa: B008
    most: int = 9, tell: Told | None = None,
) -> GoalsFrontier:
    """Two goals of a scenario traded against each other, over its futures where it has some.

    Goals count as in `solve`, all minimised; money in million USD. Raises InputError for unknown goals, and for regret
    without futures.
    """
    given = f"--goals {','.join(names)}"
    for name in names:
        if name not in GOALS_OFFERED:
            near = nearest(name, list(GOALS_OFFERED))
            hint = f"did you mean `{near}`?" if near else f"allowed: {', '.join(GOALS_OFFERED)}"
            raise InputError(f"{given}: no goal `{name}`; {hint}")
    if len(names) != 2 or len(set(names)) != 2:
        raise InputError(f"{given}: give two goals, such as regret,cost_and_shortage")
    world = read_world(source, sets, names)
    if REGRET in names and world.scenario.futures is None:
        raise InputError(f"{given}: regret is over several futures; the scenario names no `futures`")
    points = frontier(world.goals(names, options, tell), most)
    first, second = names
    rows = pd.DataFrame([(p.first, p.second, p.gap) for p in points], columns=[first, second, "gap"])
    return GoalsFrontier(first, second, rows, tuple(points))
