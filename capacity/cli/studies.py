"""Commands on many plans: what-if, compare, query."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson, Report, ScenarioName, Sets
from capacity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from capacity.studies import Study, StudyProgress, StudySpec

Varied = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="PATH=A,B,C",
                 help="Values of one key: plain, x0.8 (times), +5 MW (more). * stands for every entry. Repeatable."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The study's folder \\[studies/NAME].")]
Workers = Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Processes \\[all cores].")]
Dask = Annotated[str | None, typer.Option("--dask", metavar="tcp://HOST:PORT", help="Solve on this Dask cluster.")]
Gap = Annotated[str | None, typer.Option("--gap", help="Gap to prove for every member and goal [2%].")]
Limit = Annotated[str | None, typer.Option("--time-limit", help="For each member [10min].")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def what_if(
    scenario: ScenarioName = None,
    sets: Sets = None,
    vary: Varied = None,
    zip_: Annotated[bool, typer.Option("--zip", help="First values together, second together; not every mix.")] = False,
    one: Annotated[bool, typer.Option("--one-at-a-time", help="Each value alone, all else as it is.")] = False,
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="METHOD", help="Draw uncertain inputs: latin_hypercube, sobol.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", metavar="N", min=1, help="How many draws.")] = 64,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    out: Out = None, workers: Workers = None, dask: Dask = None, gap: Gap = None, time_limit: Limit = None,
    cold: Annotated[bool, typer.Option("--cold", help="Solve every member from nothing.")] = False,
    report: Report = None, csv: AsCsv = False, json: AsJson = False, quiet: Quiet = False,
) -> None:
    """Solve many variants of a scenario and tell what changes in the plan.

    SCENARIO may also be a study file. An interrupted study goes on where it stopped; a repeated one is instant.
    """
    from capacity.studies.file import plan_study

    spec = specification(scenario, vary, zip_, one, sample, samples, seed, gap, time_limit)
    study = plan_study(spec, sets or ())
    folder = out or Path("studies") / study.name
    run(study, folder, workers, dask, not cold, quiet or csv or json)
    told(folder, csv, json)
    if report is not None:
        from capacity.report.study import write_study

        typer.echo(f"page: {write_study(folder, report)}", err=csv or json)


def specification(
    scenario: str | None, vary: list[str] | None, zip_: bool, one: bool, sample: str | None, samples: int, seed: int,
    gap: str | None, time_limit: str | None,
) -> StudySpec:
    """The study that the arguments ask for: a study file's with flags on top, or one made of flags."""
    from capacity.scenario.units import FRACTION, SECONDS, quantity
    from capacity.studies.file import SAMPLES, StudySpec
    from capacity.studies.members import read_vary

    changes: dict[str, object] = {}
    if gap is not None:
        changes["gap"] = quantity(gap, FRACTION, "--gap")
    if time_limit is not None:
        changes["time_limit"] = quantity(time_limit, SECONDS, "--time-limit")
    if sum((zip_, one, sample is not None)) > 1:
        raise InputError("give one of --zip, --one-at-a-time and --sample")
    if sample is not None and sample not in SAMPLES:
        from capacity.errors import nearest

        near = nearest(sample, list(SAMPLES))
        raise InputError(f"--sample {sample}: " + (f"did you mean `{near}`? " if near else "") +
                         f"allowed: {', '.join(SAMPLES)}")
    design = sample or ("zip" if zip_ else "one_at_a_time" if one else "grid")
    varied = [read_vary(text) for text in vary or ()]
    twice = next((v.path for v in varied if [w.path for w in varied].count(v.path) > 1), None)
    if twice:
        raise InputError(f"--vary {twice}: given twice; give its values in one list")
    lists = {v.path: list(v.values) for v in varied}
    if scenario is not None and is_study(scenario):
        return _from_file(scenario, lists, design if sample or zip_ or one else None, changes)
    if sample and lists:
        raise InputError("--sample draws the catalogue's uncertain inputs; for inputs of your own write a study file")
    if not sample and not lists:
        raise InputError("nothing to vary: give --vary PATH=A,B, --sample METHOD, or a study file")
    name = Path(scenario or "human-equivalents").stem
    return StudySpec.model_validate({
        "name": f"{name}-{design.replace('_', '-')}" if sample else f"{name}-what-if",
        "scenario": scenario or "human-equivalents", "design": design, "vary": lists, "samples": samples, "seed": seed,
        "inputs": "catalogue" if sample else {}, **changes})


def _from_file(name: str, lists: dict[str, list[str]], design: str | None, changes: dict[str, object]) -> StudySpec:
    from capacity.studies.file import read_study

    spec = read_study(name)
    if lists:
        changes["vary"] = {**spec.vary, **lists}
    if design is not None:
        changes["design"] = design
    return spec.model_copy(update=changes)


def is_study(name: str) -> bool:
    """Whether a name is a study file's (it has `vary`, `inputs`, `members` or `design`) or a shipped study's."""
    from capacity.scenario import list_scenarios
    from capacity.scenario.yaml_lines import read_yaml_file
    from capacity.studies.file import list_studies

    path = Path(name).expanduser()
    if not path.is_file():
        return name.removesuffix(".yaml") in list_studies() and name not in list_scenarios()
    data, _ = read_yaml_file(path, path.name)
    return isinstance(data, dict) and bool({"vary", "inputs", "members", "design"} & set(data))


def run(study: Study, folder: Path, workers: int | None, dask: str | None, warm: bool, silent: bool) -> None:
    """Run a study with progress on stderr."""
    from capacity.studies import run_study

    with progress(silent) as listen:
        run_study(study, folder, workers or os.cpu_count() or 1, dask, warm, listen)


def told(folder: Path, csv: bool, json: bool) -> None:
    """The comparison table of a study, and where it stands."""
    from capacity.cli.tables import print_frame
    from capacity.studies.compare import compare_study
    from capacity.studies.compare import told as short

    table = compare_study(folder)
    if csv or json:
        print_frame(table, csv=csv, json=json)
        return
    print_frame(short(table), widest=70, all_columns=True)
    lines(table)
    close = int((table["verdict"] == "not decided").sum())
    if close:
        typer.echo(f"not decided: {close} differ from the base by less than the gaps; ask for a smaller --gap to tell")
    without = table[table["sites"].isna()] if "sites" in table else table
    if len(without):
        typer.echo(f"without a plan: {len(without)} of {len(table)}; the reason stands in the list")
    typer.echo(f"study: {folder}   ask more: capacity query {folder} \"select label, cost_musd from results\"")


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of plans or of studies.")],
    csv: AsCsv = False, json: AsJson = False,
) -> None:
    """Hold plans against the first: when they part, sites, accelerators, sharding, cost, and what the gaps decide."""
    from capacity.cli.tables import print_frame
    from capacity.studies.compare import compare_plans
    from capacity.studies.compare import told as short

    table = compare_plans(runs)
    print_frame(table if csv or json else short(table), csv=csv, json=json, widest=70, all_columns=True)
    if not (csv or json):
        lines(table)


def lines(table: pd.DataFrame) -> None:
    """What changed against the first, a line each."""
    from capacity.studies.compare import changes

    told = changes(table)
    if told:
        typer.echo("\nwhat changed, against the first:")
        typer.echo("\n".join(f"  {line}" for line in told) + "\n")


def query(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="The study's folder.")],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Such as: select member, cost_musd from results.")],
    csv: AsCsv = False, json: AsJson = False,
) -> None:
    """Ask a study in SQL: table `results`, and every table of its plans with `member` and `label`."""
    from capacity.cli.tables import print_frame
    from capacity.studies.compare import query as ask

    print_frame(ask(study, sql), csv=csv, json=json, all_columns=True, widest=80)


@contextmanager
def progress(silent: bool) -> Iterator[Callable[[StudyProgress], None]]:
    """A bar with the time left on a terminal, plain lines in a pipe; both on stderr."""
    from capacity.cli.progress import screen

    with screen(silent, "reading the study", counted=True) as shown:

        def listen(step: StudyProgress) -> None:
            since = f"{step.seconds:7.1f} s"
            told = [f"{since}  {aside(step)}  {step.latest}".rstrip(), f"{since}  {aside(step)}".rstrip(), since]
            shown.show(told, step.latest, done=(step.finished, step.total))

        yield listen


def aside(step: StudyProgress) -> str:
    """Time left, what was known already, what has no plan."""
    parts = []
    if step.left_s == step.left_s and step.finished < step.total:
        parts.append(f"{step.left_s / 60:.0f} min left" if step.left_s >= 100 else f"{step.left_s:.0f} s left")
    if step.reused:
        parts.append(f"{step.reused} known already")
    if step.without_plan:
        parts.append(f"{step.without_plan} without a plan")
    return ", ".join(parts)
