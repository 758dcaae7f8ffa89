"""Commands on a finished plan: see it, take it elsewhere, check it, picture it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson, RunFolder, Sets, question
from capacity.errors import InputError

Out = Annotated[Path | None, typer.Option("--out", metavar="PATH", help="Where to write; default: inside RUN.")]
Goal = Annotated[str | None, typer.Option("--goal", help="The goal in a program's objective; the first unless named.")]
Program = Annotated[
    str,
    typer.Option("--program", metavar="KIND", help="plain, or with the same plans and stronger: linked, tightened."),
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="GOAL=VALUE", help="In a program, hold an earlier goal at most there. Repeatable."),
]


def schedule(
    run: RunFolder,
    full: Annotated[bool, typer.Option("--full", help="Also phases, retirements, links and classes.")] = False,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """Print the year-by-year buildout of a plan."""
    from capacity.cli.tables import print_frame
    from capacity.plan import latest, print_schedule
    from capacity.plan import schedule as by_year

    plan = latest(run)
    if csv or json:
        print_frame(by_year(plan), csv=csv, json=json)
    else:
        print_schedule(plan, full=full)


def export(
    run: Annotated[str, typer.Argument(metavar="RUN|SCENARIO", help="A plan's folder; a scenario for --mps and --lp.")],
    csv: Annotated[bool, typer.Option("--csv", help="A folder of CSV files.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="One workbook.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    out: Out = None,
    mps: Annotated[Path | None, typer.Option("--mps", metavar="FILE", help="A scenario's program as MPS.")] = None,
    lp: Annotated[Path | None, typer.Option("--lp", metavar="FILE", help="The same as an LP file.")] = None,
    kind: Program = "plain",
    goal: Goal = None,
    keep: Keep = None,
    sets: Sets = None,
) -> None:
    """Write every table of a plan as CSV, a workbook or JSON; or a scenario's plain program for another solver."""
    if mps or lp:
        write_program(run, sets, mps or lp, ".mps" if mps else ".lp", goal, keep or [], kind)
        return
    from capacity.plan import export_plan, latest

    asked = [name for name, wanted in (("csv", csv), ("xlsx", xlsx), ("json", json)) if wanted]
    if len(asked) != 1:
        raise InputError("export: give one of --csv, --xlsx and --json for a plan, --mps or --lp for a scenario")
    plan = latest(run)
    default = Path(run) / ("csv" if csv else f"export.{asked[0]}")
    typer.echo(f"wrote {export_plan(plan, out or default, asked[0])}")


def write_program(
    scenario: str, sets: list[str] | None, path: Path | None, ending: str, goal: str | None, keep: list[str],
    kind: str = "plain",
) -> None:
    """A program of a scenario as an MPS or LP file."""
    from capacity.problem import build_problem
    from capacity.solving.elsewhere import write_program as write

    assert path is not None
    if path.suffix != ending:
        raise InputError(f"--{ending[1:]} {path}: the file must end in {ending}")
    kept = dict(held(one) for one in keep)
    asked, catalogue = question(scenario, sets)
    chosen = write(build_problem(asked, catalogue), path, goal, kept, kind)
    typer.echo(f"wrote {path}: the {kind} program, goal {chosen} in the objective")


def held(given: str) -> tuple[str, float]:
    """GOAL=VALUE as (goal, value)."""
    goal, _, value = given.partition("=")
    try:
        return goal, float(value)
    except ValueError:
        raise InputError(f"--keep {given!r} must be a goal and a number, such as shortage=0") from None


def audit(run: RunFolder, csv: AsCsv = False, json: AsJson = False) -> None:
    """Recompute every constraint and every dollar of a plan from its tables; fails when they disagree."""
    from capacity.cli.tables import print_frame
    from capacity.plan import audit as recompute
    from capacity.plan import check_audit, latest

    plan = latest(run)
    report = recompute(plan.scenario, plan.problem, plan.values, plan.stages, plan.tables)
    print_frame(report, csv=csv, json=json)
    check_audit(report)
    if not (csv or json):
        checked = int(report["rows_checked"].sum())
        typer.echo(f"sound: {checked:,} rows recomputed, none broken")


def report(
    run: Annotated[str, typer.Argument(metavar="RUN|STUDY", help="A plan's folder, or that of a study or search.")],
    out: Out = None,
) -> None:
    """Write a plan, or a study with its comparison and charts, as one offline HTML page."""
    from capacity.report.study import is_study, write_study

    if is_study(run):
        typer.echo(f"wrote {write_study(run, out or Path(run) / 'report.html')}")
        return
    from capacity.plan import latest

    plan = latest(run)
    from capacity.report import write_report

    target = out or Path(run) / "report.html"
    write_report(plan, target)
    typer.echo(f"wrote {target}")
