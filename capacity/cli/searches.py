"""Commands on many plans beyond lists: sensitivity, break-even, frontier, alternatives, foresight, risk."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson, Report, ScenarioName, Sets
from capacity.cli.studies import Gap, Limit, Out, Quiet, Workers, is_study, progress
from capacity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from capacity.solving import Options
    from capacity.studies import Study, StudySpec
    from capacity.studies.answer import Answer
    from capacity.studies.ask import Asked

DEFAULT = "human-equivalents"
Key = Annotated[str, typer.Option("--vary", metavar="PATH", help="The key to move, such as money.capex_budget.")]
From = Annotated[str, typer.Option("--from", metavar="VALUE", help="Its low end: a value, or a factor such as x0.5.")]
To = Annotated[str, typer.Option("--to", metavar="VALUE", help="Its high end.")]
Figure = Annotated[str, typer.Option("--figure", help="A numeric column of the results, such as instances_last.")]


def sensitivity(
    scenario: ScenarioName = None,
    sets: Sets = None,
    method: Annotated[str, typer.Option("--method", help="tornado, morris or sobol.")] = "tornado",
    figure: Figure = "cost_musd",
    samples: Annotated[int, typer.Option("--samples", min=1, help="Paths of morris, base samples of sobol.")] = 8,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    out: Out = None, workers: Workers = None, gap: Gap = None, time_limit: Limit = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """Which uncertain inputs move the plan most. SCENARIO may be a study file with `inputs`; else the catalogue's."""
    from capacity.studies import answer, run_study
    from capacity.studies import sensitivity as of

    spec = _spec(scenario, sets, seed, gap, time_limit)
    folder = out or Path("studies") / f"{spec.name}-{method}"
    silent = quiet or csv or json

    def run(study: Study, where: Path) -> pd.DataFrame:
        with progress(silent) as listen:
            return run_study(study, where, workers or os.cpu_count() or 1, listen=listen)

    if method == "tornado":
        table = of.tornado(spec, folder, run, figure)
    elif method in ("morris", "sobol"):
        table = (of.morris if method == "morris" else of.sobol)(spec, folder, run, figure, samples)
    else:
        raise InputError(f"--method {method}: allowed: tornado, morris, sobol")
    _print(table, f"{figure} by uncertain input", csv, json)
    _keep(answer.of_sensitivity(method, figure, table), folder, report, csv or json)


def break_even(
    vary: Key, low: From, high: To,
    until: Annotated[str, typer.Option("--until", metavar="CONDITION",
                                       help="Such as 'instances_last >= 1e9' or 'mw.lulea > mw.abilene'.")],
    scenario: ScenarioName = None, sets: Sets = None,
    accuracy: Annotated[str, typer.Option("--accuracy", help="Width of the bracket, as a share of the range.")] = "2%",
    out: Out = None, gap: Gap = None, time_limit: Limit = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """At which value of a key the plan starts or stops to meet a condition, by bracketing."""
    from capacity.studies.answer import of_break_even
    from capacity.studies.breakeven import break_even as search

    asked = _asked(scenario, sets, out, f"break-even-{vary}", gap, time_limit, quiet or csv or json)
    found = search(asked, vary, low, high, until, _share(accuracy, "--accuracy"))
    _keep(of_break_even(found, until), asked.folder, report, csv or json)
    shown = found.table[["value", "holds", "cost_musd", "short_share", "instances_last", "gap", "status"]]
    _print(found.table if csv or json else shown, until, csv, json)
    if csv or json:
        return
    if found.found:
        first, then = ("fails", "holds") if found.holds_at_high else ("holds", "fails")
        typer.echo(f"\n{until}: {first} at {vary} = {found.low}, {then} at {found.high} ({found.solves} solves)")
    else:
        typer.echo(f"\n{until}: {'holds' if found.holds_at_low else 'fails'} at both ends, {low} and {high}")


def wages(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The plan's folder.")],
    csv: AsCsv = False, json: AsJson = False,
) -> None:
    """For each region the first year in which an instance-hour costs less than its wage."""
    from capacity.plan import load_plan
    from capacity.studies.breakeven import wage_crossings

    _print(wage_crossings(load_plan(run)), "an instance-hour against the nominal wage", csv, json)


def frontier(
    vary: Annotated[str | None, typer.Option("--vary", metavar="PATH", help="The key to move, between --from and --to."
                                             )] = None,
    low: Annotated[str | None, typer.Option("--from", metavar="VALUE", help="Its low end, or a factor: x0.5.")] = None,
    high: Annotated[str | None, typer.Option("--to", metavar="VALUE", help="Its high end.")] = None,
    goals: Annotated[str | None, typer.Option("--goals", metavar="A,B", help="Or two goals against each other, such as "
                                              "regret,cost_and_shortage or carbon,cost.")] = None,
    points: Annotated[int, typer.Option("--points", min=2, help="At most so many plans, with --goals.")] = 9,
    scenario: ScenarioName = None, sets: Sets = None, figure: Figure = "cost_musd",
    against: Annotated[str | None, typer.Option("--against", help="Another figure: carbon_kt \\[the key].")] = None,
    accuracy: Annotated[str, typer.Option("--accuracy", help="Of the curve, as a share of the figure's range.")] = "5%",
    out: Out = None, gap: Gap = None, time_limit: Limit = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """A figure of the plan along one key, with as few solves as the accuracy allows.

    Cost against instances: --vary demand.amount; against latency: --vary classes.NAME.tpot; against speed: --vary
    classes.NAME.speed; against carbon: --vary money.carbon_price --against carbon_kt.
    """
    from capacity.studies.answer import of_frontier
    from capacity.studies.frontier import frontier as trace

    if goals is not None:
        if vary is not None:
            raise InputError("give --vary with --from and --to, or --goals; not both")
        _traded(scenario, sets, goals, points, out, gap, time_limit, report, csv, json, quiet)
        return
    if vary is None or low is None or high is None:
        raise InputError("give --vary PATH with --from and --to, or two goals: --goals carbon,cost")
    asked = _asked(scenario, sets, out, f"frontier-{vary}", gap, time_limit, quiet or csv or json)
    found = trace(asked, vary, low, high, figure, against, _share(accuracy, "--accuracy"))
    _keep(of_frontier(found), asked.folder, report, csv or json)
    _print(found.points, f"{figure} along {vary}", csv, json)
    if not (csv or json):
        typer.echo(f"\nknown to {found.error:.1%} of its range between the points, after {found.solves} solves")
        for one, other in found.steps:
            typer.echo(f"it steps between {one} and {other}")
        if found.turns:
            typer.echo(f"the curve turns at {', '.join(found.turns)}: between points there it may leave the enclosure")


def _traded(
    scenario: str | None, sets: list[str] | None, goals: str, points: int, out: Path | None, gap: str | None,
    time_limit: str | None, report: Path | None, csv: bool, json: bool, quiet: bool,
) -> None:
    from capacity.cli.futures import traded
    from capacity.scenario.units import FRACTION, SECONDS, quantity
    from capacity.solving import Options

    allowed = quantity(gap or "2%", FRACTION, "--gap")
    options = Options(allowed, quantity(time_limit or "10min", SECONDS, "--time-limit"))
    traded(scenario, sets, goals, points, options, out, report, csv, json, quiet)


def alternatives(
    scenario: ScenarioName = None, sets: Sets = None,
    within: Annotated[str, typer.Option("--within", help="How much worse each goal may be.")] = "3%",
    differ: Annotated[str, typer.Option("--differ", help="In what: sites, vendors or years.")] = "sites",
    count: Annotated[int, typer.Option("--count", min=1, help="How many.")] = 3,
    gap: Gap = None, time_limit: Limit = None, out: Out = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """Plans nearly as good as the best that differ most, and what all of them share (no-regret)."""
    from capacity.plan import save_plan
    from capacity.studies.alternatives import alternatives as seek
    from capacity.studies.answer import of_alternatives

    found = seek(scenario or DEFAULT, sets or (), _share(within, "--within"), differ, count,  # type: ignore[arg-type]
                 _options(gap, time_limit), _teller(quiet or csv or json))
    if out is not None:
        for name, plan in zip(found.table["plan"], found.plans, strict=True):
            save_plan(plan, out / str(name).replace(" ", "-"))
    _keep(of_alternatives(found, within, differ), out, report, csv or json)
    if csv or json:
        _print(found.table, "", csv, json)
        return
    _print(found.no_regret, f"no-regret: every plan within {within} found does this", csv, json)
    short = found.table[["plan", "extra_cost_share", "decided", "cost_musd", "short_share", "sites", "without",
                         "instead"]]
    _print(short, "\nplans", csv, json)


def foresight(
    scenario: ScenarioName = None, sets: Sets = None,
    ahead: Annotated[str, typer.Option("--ahead", help="Years looked ahead, by comma; 0: myopic.")] = "0,2",
    perfect: Annotated[bool, typer.Option(help="The plan that sees every year too, to compare with.")] = True,
    gap: Gap = None, time_limit: Limit = None, out: Out = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """What short sight costs: perfect foresight, rolling look-ahead, myopic."""
    from capacity.plan import save_plan
    from capacity.studies.answer import SIGHT, of_foresight
    from capacity.studies.foresight import cost_of_short_sight
    from capacity.studies.foresight import foresight as look

    try:
        years = [int(part) for part in ahead.split(",")]
    except ValueError:
        raise InputError(f"--ahead {ahead}: give whole years by comma, such as 0,2") from None
    told = _teller(quiet or csv or json)
    sights = look(scenario or DEFAULT, sets or (), years, _options(gap, time_limit), told, perfect)
    if out is not None:
        for sight in sights:
            save_plan(sight.plan, out / sight.name.replace(" ", "-"))
    table = cost_of_short_sight(sights)
    _keep(of_foresight(table), out, report, csv or json)
    shown = [column for column in SIGHT if column in table]
    _print(table if csv or json else table[shown], "the cost of short sight", csv, json)


def risk(
    futures: Annotated[Path, typer.Argument(metavar="FUTURES", help="A YAML file of weighted futures.")],
    aim: Annotated[str, typer.Option("--aim", help="expected, cvar or regret.")] = "expected",
    option: Annotated[list[str] | None, typer.Option("--option", metavar="PATH=VALUE",
                                                     help="Value this possibility too. Repeatable.")] = None,
    report: Report = None, csv: AsCsv = False, json: AsJson = False,
) -> None:
    """Commit now, learn, adapt: the plan for weighted futures, and what knowing them is worth."""
    from capacity.studies.answer import of_risk
    from capacity.studies.risk import compile_futures, option_value, read_risk, weigh

    if aim not in ("expected", "cvar", "regret"):
        raise InputError(f"--aim {aim}: allowed: expected, cvar, regret")
    spec = read_risk(futures)
    found = weigh(compile_futures(spec), aim)  # type: ignore[arg-type]
    worth = option_value(spec, option) if option else None
    _keep(of_risk(found, spec, aim, worth), None, report, csv or json)
    if csv or json:
        _print(found.by_future, "", csv, json)
        return
    _print(found.commitments, "commitments before anything is known", csv, json)
    _print(found.by_future, "\nby future", csv, json)
    lines = {
        "expected cost, M USD": found.expected, "proven bound of the aim": found.bound,
        f"CVaR at {spec.alpha:g}": found.cvar, "greatest regret": found.worst_regret,
        "perfect information is worth": found.perfect_information,
        "weighing the futures saves": found.stochastic_solution,
        "the option is worth": worth,
    }
    typer.echo("")
    for words, value in lines.items():
        if value is not None:
            typer.echo(f"{words:30} {value:,.2f}")
    if found.stochastic_solution is None:
        typer.echo("the scenario's own plan leaves a future without any plan: weighing them is needed")


def _keep(answer: Answer, folder: Path | None, report: Path | None, aside: bool) -> None:
    """Keep what was found in the search's folder if it has one, and write its page if one is asked for."""
    from capacity.studies.answer import keep_answer

    if folder is not None:
        keep_answer(answer, folder)
    if report is None:
        return
    from capacity.report.study import write_answers, write_study

    page = write_answers([answer], answer.kind, report) if folder is None else write_study(folder, report)
    typer.echo(f"page: {page}", err=aside)


def _spec(scenario: str | None, sets: list[str] | None, seed: int, gap: str | None, time_limit: str | None
          ) -> StudySpec:
    from capacity.studies import StudySpec, read_study

    options = _options(gap, time_limit)
    if scenario is not None and is_study(scenario):
        spec = read_study(scenario)
        changes = {"set": [*spec.set, *(sets or ())], "seed": seed}
        changes |= {"gap": options.gap} if gap else {}
        return spec.model_copy(update=changes | ({"time_limit": options.time_limit} if time_limit else {}))
    name = Path(scenario or DEFAULT).stem
    return StudySpec(name=name, scenario=scenario or DEFAULT, set=sets or [], inputs="catalogue", seed=seed,
                     gap=options.gap, time_limit=options.time_limit)


def _asked(scenario: str | None, sets: list[str] | None, out: Path | None, what: str, gap: str | None,
           time_limit: str | None, silent: bool) -> Asked:
    from capacity.studies.ask import Asked

    options, source = _options(gap, time_limit), scenario or DEFAULT
    folder = out or Path("studies") / f"{Path(source).stem}-{what.replace('*', 'all').replace('.', '-')}"
    return Asked(source, folder, tuple(sets or ()), options.gap, options.time_limit, what, _teller(silent))


def _options(gap: str | None, time_limit: str | None) -> Options:
    from capacity.scenario.units import SECONDS, quantity
    from capacity.solving import Options

    return Options(_share(gap or "2%", "--gap"), quantity(time_limit or "10min", SECONDS, "--time-limit"), threads=1)


def _share(text: str, option: str) -> float:
    from capacity.scenario.units import FRACTION, quantity

    return quantity(text, FRACTION, option)


def _teller(silent: bool) -> Callable[[str], None] | None:
    return None if silent else lambda line: print(line, file=sys.stderr, flush=True)


def _print(table: pd.DataFrame, title: str, csv: bool, json: bool) -> None:
    from capacity.cli.tables import print_frame

    print_frame(table, title=title, csv=csv, json=json, all_columns=True, widest=60)
