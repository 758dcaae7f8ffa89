"""`capacity solve`: from a scenario to an audited plan in a folder, with live progress and honest exit codes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from capacity.cli.inputs import ScenarioName, Sets, question
from capacity.errors import AuditError, InputError

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalogue import Catalogue
    from capacity.plan import Plan
    from capacity.plan.running import Left, Running
    from capacity.problem import Problem
    from capacity.scenario import Scenario
    from capacity.solving import Options, Solution
    from capacity.solving.options import Listener

EXIT_LIMIT = 4
EXIT_INTERRUPTED = 130
RESUME = "--resume"


class Resumable(TyperCommand):
    """The command whose `--resume` may stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As ever, with `--resume` alone meaning the run's own folder."""
        for at, given in enumerate(args):
            if given == RESUME and (at + 1 == len(args) or args[at + 1].startswith("-")):
                args = [*args[:at], f"{RESUME}=", *args[at + 1 :]]
        return super().parse_args(ctx, args)


def solve(
    scenario: ScenarioName = None,
    sets: Sets = None,
    gap: Annotated[str, typer.Option("--gap", help="Stop when this optimality gap is proven for every goal.")] = "2%",
    time_limit: Annotated[str, typer.Option("--time-limit", help="Stop after this long, keep the best.")] = "10min",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder \\[plans/NAME].")] = None,
    resume: Annotated[
        str | None,
        typer.Option(RESUME, metavar="[RUN]", help="Go on from the plan and the bounds in a run's folder \\[--out's]; "
                     "without SCENARIO with the run's own."),
    ] = None,
    solver: Annotated[
        str, typer.Option("--solver", help="own, or gurobi, cplex, xpress, scip, cbc, highs where you have it.")
    ] = "own",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the plan.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no schedule.")] = False,
) -> None:
    """Find the plan for a scenario, prove how good it is, audit it and write it as a folder.

    The best plan so far is kept in the folder while the search goes on, with its bounds: killed, it loses nothing.

    While an earlier goal such as least shortage is treated, that plan is the best for it; its cost is told as it is.
    """
    from capacity.scenario.units import FRACTION, SECONDS, quantity
    from capacity.solving import Options

    allowed, seconds = quantity(gap, FRACTION, "--gap"), quantity(time_limit, SECONDS, "--time-limit")
    if not 0 <= allowed < 1 or seconds < 0:
        raise InputError("--gap must be a share such as 1%, and --time-limit a duration such as 10min")
    if solver != "own":
        from capacity.solving.elsewhere import check_solver

        check_solver(solver)
        if resume is not None:
            raise InputError("--resume goes on with the own solver's search; leave out --solver")
    asked, catalogue = continued(resume, sets) if resume and scenario is None else question(scenario, sets)
    folder = out or (Path(resume) if resume else Path("plans") / asked.name)
    if asked.futures is not None:
        together(scenario, sets, Options(gap=allowed, time_limit=seconds), folder, solver, resume, json, quiet)
        return
    check_folder(folder)

    from capacity.cli.progress import screen
    from capacity.cli.steps import teller
    from capacity.plan import assemble, audit
    from capacity.plan.running import Running, alone
    from capacity.problem import build_problem

    with alone(folder), screen(quiet or json, "reading the scenario and sharding the models") as shown:
        left = None if resume is None else left_behind(Path(resume) if resume else folder, asked)
        problem = build_problem(asked, catalogue)
        warn(problem)
        told = problem, Options(gap=allowed, time_limit=seconds), teller(shown, asked)
        keeper = Running(asked, problem, folder)
        solution = own(keeper, left, *told) if solver == "own" else elsewhere(solver, *told)
        plan = assemble(asked, problem, solution)
        report = audit(asked, problem, solution.values, plan.stages, plan.tables)
        saved = sound(keeper, plan, report)
    if keeper.refused:
        print(f"{len(keeper.refused)} plans found on the way failed their audit and were not kept; the first: "
              f"{keeper.refused[0]}", file=sys.stderr)
    end(plan, report, saved, json, quiet)
    if plan.status == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)
    if plan.status == "time_limit":
        print(f"stopped after {time_limit}, before a gap of {gap} was proven; plan saved. To go on: capacity solve "
              f"--resume {folder}", file=sys.stderr)
        raise typer.Exit(EXIT_LIMIT)


def together(
    scenario: str | None, sets: list[str] | None, options: Options, folder: Path, solver: str, resume: str | None,
    json: bool, quiet: bool,
) -> None:
    """A scenario with several futures: all of them in one program, a plan for each."""
    from capacity.cli.futures import solve_futures

    if solver != "own" or resume is not None:
        raise InputError("a scenario with several futures is solved as a whole: leave out --solver and --resume")
    solve_futures(scenario, sets, options, folder, json, quiet)


def warn(problem: Problem) -> None:
    """What the problem alone already says about every plan, told before the search."""
    for told in problem.words["warnings"]["text"] if "warnings" in problem.words else ():
        print(f"warning: {told}", file=sys.stderr)


def end(plan: Plan, report: pd.DataFrame, saved: Path, json: bool, quiet: bool) -> None:
    """The page of a saved plan, and what is printed of it."""
    from capacity.plan import print_schedule
    from capacity.plan.offers import out_of_reach
    from capacity.report import write_report

    for told in out_of_reach(plan):
        print(f"warning: {told}", file=sys.stderr)
    write_report(plan, saved / "report.html")
    if json:
        from json import dumps

        typer.echo(dumps({**plan.summary, "plan": str(saved)}, indent=2))
    elif not quiet:
        print_schedule(plan)
        typer.echo(f"\naudit: {int(report['rows_checked'].sum()):,} rows recomputed, none broken")
        typer.echo(f"plan:  {saved}\npage:  {saved / 'report.html'}")


def own(
    keeper: Running, left: Left | None, problem: Problem, options: Options, listen: Listener
) -> Solution:
    """The own search, which keeps its best plan in the folder, from where an earlier one stopped if it left anything.
    """
    from capacity.solving.anytime import solve_anytime

    earlier = None if left is None else left.earlier(problem)
    if earlier is not None and not earlier.same:
        print("the tables behind the scenario have changed since: the plan is taken up, its bounds are proven anew",
              file=sys.stderr)
    return solve_anytime(problem, options, listen, keeper, earlier)


def sound(keeper: Running, plan: Plan, report: pd.DataFrame) -> Path:
    """Write the plan found. Raises AuditError, with the plan written beside the folder, where its audit fails."""
    from capacity.plan import check_audit, save_plan

    try:
        check_audit(report)
    except AuditError as error:
        kept = save_plan(failed(plan), keeper.folder.with_name(keeper.folder.name + ".failed-audit"))
        raise AuditError(f"the plan found fails its own audit; it is kept at {kept} to look at: {error}") from error
    return keeper.finish(plan)


def continued(run: str, sets: list[str] | None) -> tuple[Scenario, Catalogue]:
    """The scenario that a run's folder keeps, and its catalogue. Raises InputError where there is none."""
    from capacity.plan.folders import set_aside
    from capacity.plan.store import SCENARIO_FILE, run_head

    where = set_aside(Path(run))
    run_head(where)
    return question(str(where / SCENARIO_FILE), sets)


def left_behind(run: Path, asked: Scenario) -> Left:
    """What the search in a run's folder left. Raises InputError where there is none, or where it was of another
    scenario, naming what differs."""
    from capacity.plan.folders import set_aside
    from capacity.plan.running import left_in
    from capacity.plan.store import SCENARIO_FILE, run_head
    from capacity.scenario import differences, load_scenario, scenario_hash

    where = set_aside(run)
    if run_head(where)["scenario_sha256"] != scenario_hash(asked):
        changed = differences(load_scenario(where / SCENARIO_FILE), asked)
        told = "; ".join(changed[:3]) + (f"; and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise InputError(f"--resume {run}: the scenario is not this run's ({told or 'overlay tables differ'}); leave "
                         "out SCENARIO and --set to go on with the run's own, or --resume to start anew")
    left = left_in(where)
    if left is None:
        raise InputError(f"--resume {run}: this plan has no search to go on with (it was found with --solver, or by an "
                         "earlier version); solve it anew")
    return left


def elsewhere(solver: str, problem: Problem, options: Options, listen: Listener) -> Solution:
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
    from capacity.plan.store import holds_run

    if folder.is_dir() and any(folder.iterdir()) and not holds_run(folder):
        raise InputError(f"--out {folder}: this folder holds something that is not a plan; name another")
