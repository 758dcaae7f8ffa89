"""Scenarios with several futures, and goals traded against each other: what `solve` and `frontier` do with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from capacity.errors import InputError

if TYPE_CHECKING:
    from capacity.solving import Options
    from capacity.studies.futures import FuturesPlan

LIMIT, INTERRUPTED = 4, 130


def solve_futures(
    source: str | None, sets: list[str] | None, options: Options, folder: Path, json: bool, quiet: bool
) -> None:
    """Plan for all futures of a scenario, and write a folder with a plan for each."""
    from capacity.cli.progress import screen
    from capacity.studies.futures import plan_futures

    check_target(folder)
    with screen(quiet or json, "reading the futures") as shown:
        found = plan_futures(source, sets or (), options, lambda words: shown.show([words], words))
    written(found, folder)
    told(found, folder, json, quiet)
    if found.status in ("time_limit", "interrupted"):
        raise typer.Exit(LIMIT if found.status == "time_limit" else INTERRUPTED)


def check_target(folder: Path) -> None:
    """Refuse, before any work, a target that holds something other than plans for several futures."""
    from capacity.studies.answer import ANSWERS

    if folder.is_file():
        raise InputError(f"--out {folder}: this is a file; name a folder for the plans")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / ANSWERS / "risk.json").is_file():
        raise InputError(f"--out {folder}: it holds something other than plans for several futures; name another")


def written(found: FuturesPlan, folder: Path) -> None:
    """The folder: a plan for each future, what they share, and a page of it; there whole or not at all."""
    import shutil

    from capacity.plan import save_plan
    from capacity.plan.folders import draft_of, put_in_place
    from capacity.report import write_report
    from capacity.report.study import write_answers
    from capacity.studies.answer import keep_answer, of_futures

    target = folder.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = draft_of(target)
    except OSError as error:
        raise InputError(f"{target}: cannot write plans there: {error.strerror or error}") from None
    try:
        for name, plan in found.plans.items():
            write_report(plan, save_plan(plan, draft / name) / "report.html")
        answer = of_futures(found)
        keep_answer(answer, draft)
        write_answers([answer], target.name, draft / "report.html")
        put_in_place(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def told(found: FuturesPlan, folder: Path, json: bool, quiet: bool) -> None:
    """What was reached, as JSON or as tables."""
    if json:
        from dataclasses import asdict
        from json import dumps

        from capacity.plan.assemble import plain

        typer.echo(dumps({
            "name": found.name, "status": found.status,
            "stages": [{key: plain(value) for key, value in asdict(s).items()} for s in found.stages],
            "futures": found.by_future.to_dict("records"), "commitments": found.commitments.to_dict("records"),
            "plan": str(folder)}, indent=2))
        return
    if quiet:
        return
    from capacity.cli.tables import print_frame

    typer.echo("decided before anything is known")
    if len(found.commitments):
        print_frame(found.commitments, all_columns=True)
    else:
        typer.echo("nothing")
    typer.echo("\nby future")
    print_frame(found.by_future, all_columns=True)
    typer.echo("")
    for stage in found.stages:
        proven = f"{stage.gap:.2%} gap" if stage.gap < float("inf") else "no bound: time ran out"
        typer.echo(f"{stage.goal.replace('_', ' '):22} {stage.objective:,.2f}  ({proven})")
    typer.echo(f"\nplans: {', '.join(str(folder / name) for name in found.plans)}\npage:  {folder / 'report.html'}")


def traded(
    source: str | None, sets: list[str] | None, goals: str, most: int, options: Options, folder: Path | None,
    report: Path | None, csv: bool, json: bool, quiet: bool,
) -> None:
    """Two goals of a scenario against each other, as points, and kept in a folder where one is named."""
    from capacity.cli.progress import screen
    from capacity.cli.tables import print_frame
    from capacity.report.study import write_answers
    from capacity.studies.answer import keep_answer, of_goals_frontier
    from capacity.studies.futures import goals_frontier

    names = [name.strip() for name in goals.split(",")]
    with screen(quiet or csv or json, "reading the scenario") as shown:
        found = goals_frontier(source, names, sets or (), options, most, lambda words: shown.show([words], words))
    answer = of_goals_frontier(found)
    if folder is not None:
        keep_answer(answer, folder)
    if report is not None:
        typer.echo(f"page: {write_answers([answer], 'frontier', report)}", err=csv or json)
    print_frame(found.points, "" if csv or json else f"{names[1]} against {names[0]}", csv=csv, json=json)
    if not (csv or json):
        typer.echo("\n" + "\n".join(answer.notes))
