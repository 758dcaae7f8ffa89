"""`capacity solve`: from a scenario to an audited plan in a folder, with live progress and honest exit codes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import ScenarioName, Sets, question
from capacity.errors import CapacityError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity.plan import Plan
    from capacity.problem import Problem
    from capacity.solving import Options, Progress, Solution
    from capacity.solving.options import Listener

EXIT_LIMIT = 4
EXIT_INTERRUPTED = 130


def solve(
    scenario: ScenarioName = None,
    sets: Sets = None,
    gap: Annotated[str, typer.Option("--gap", help="Stop when this optimality gap is proven for every goal.")] = "2%",
    time_limit: Annotated[str, typer.Option("--time-limit", help="Stop after this long, keep the best.")] = "10min",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder [plans/NAME].")] = None,
    solver: Annotated[
        str, typer.Option("--solver", help="own, or gurobi, cplex, xpress, scip, cbc, highs where you have it.")
    ] = "own",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the plan.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no schedule.")] = False,
) -> None:
    """Find the plan for a scenario, prove how good it is, audit it and write it as a folder."""
    from capacity.scenario.units import FRACTION, SECONDS, quantity

    allowed, seconds = quantity(gap, FRACTION, "--gap"), quantity(time_limit, SECONDS, "--time-limit")
    if not 0 <= allowed < 1 or seconds < 0:
        raise InputError("--gap must be a share such as 1%, and --time-limit a duration such as 10min")
    if solver != "own":
        from capacity.solving.elsewhere import check_solver

        check_solver(solver)
    asked, catalogue = question(scenario, sets)
    folder = out or Path("plans") / asked.name
    check_folder(folder)

    from capacity.plan import assemble, audit, check_audit, print_schedule, save_plan
    from capacity.problem import build_problem
    from capacity.report import write_report
    from capacity.solving import Options
    from capacity.solving import solve as find

    with progress(quiet or json) as listen:
        problem = build_problem(asked, catalogue)
        told = problem, Options(gap=allowed, time_limit=seconds), listen
        solution = find(*told) if solver == "own" else elsewhere(solver, *told)
    plan = assemble(asked, problem, solution)
    report = audit(asked, problem, solution.values, plan.stages)
    try:
        check_audit(report)
    except CapacityError as error:
        kept = save_plan(failed(plan), folder.with_name(folder.name + ".failed-audit"))
        raise CapacityError(f"the plan found fails its own audit; it is kept at {kept} to look at: {error}") from error
    saved = save_plan(plan, folder)
    write_report(plan, saved / "report.html")
    if json:
        from json import dumps

        typer.echo(dumps({**plan.summary, "plan": str(saved)}, indent=2))
    elif not quiet:
        print_schedule(plan)
        typer.echo(f"\naudit: {int(report['rows_checked'].sum()):,} rows recomputed, none broken")
        typer.echo(f"plan:  {saved}\npage:  {saved / 'report.html'}")
    if plan.status == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)
    if plan.status == "time_limit":
        print(f"stopped after {time_limit}, before a gap of {gap} was proven; plan saved", file=sys.stderr)
        raise typer.Exit(EXIT_LIMIT)


def elsewhere(solver: str, problem: Problem, options: Options, listen: Listener | None) -> Solution:
    """The same question put to another solver."""
    from capacity.solving.elsewhere import solve_with

    return solve_with(solver, problem, options, listen)


def failed(plan: Plan) -> Plan:
    """The same plan, marked so that nobody takes it for a success."""
    from dataclasses import replace

    return replace(plan, status="audit_failed", summary={**plan.summary, "status": "audit_failed"})


def check_folder(folder: Path) -> None:
    """Refuse, before any work, a target that is a file or a folder of something else."""
    if folder.is_file():
        raise InputError(f"--out {folder}: this is a file; name a folder for the plan")
    above = next((parent for parent in folder.parents if parent.exists()), folder)
    if not above.is_dir():
        raise InputError(f"--out {folder}: {above} is a file; name a folder for the plan")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "plan.json").is_file():
        raise InputError(f"--out {folder}: this folder holds something that is not a plan; name another")


@contextmanager
def progress(silent: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A listener that shows progress on stderr: one live line on a terminal, plain lines in a pipe."""
    if silent:
        yield None
        return
    if not sys.stderr.isatty():
        yield lambda step: print(sentence(step), file=sys.stderr, flush=True)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading the scenario and sharding the models") as status:

        def listen(step: Progress) -> None:
            status.update(sentence(step))
            if step.phase in ("goal done", "relaxation solved", "better plan"):
                console.print(sentence(step), style="dim", highlight=False)

        yield listen


def sentence(step: Progress) -> str:
    """One line of progress in words."""
    from math import isfinite

    goal = {"shortage": "least shortage", "cost": "least cost", "cost_and_shortage": "least cost with priced shortage",
            "served": "most instances", "surplus": "most surplus", "carbon": "least carbon",
            "worst_shortage": "least shortage of the worst year"}.get(step.goal, step.goal)
    parts = [f"{step.seconds:6.1f} s", f"{goal}: {step.phase}" if goal else step.phase]
    figures = {"plan": step.objective, "bound": step.bound}
    parts += [f"{name} {value:,.5g}" for name, value in figures.items() if isfinite(value)]
    if isfinite(step.gap):
        parts.append(f"gap {step.gap:.2%}")
    return "  ".join(parts)
