"""`capacity scenario`: start one, check one, see one in full."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from capacity.cli.inputs import ScenarioName, Sets, question

app = typer.Typer(help="Write, check and show scenarios.", no_args_is_help=True)


@app.command()
def new(path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; .yaml is added.")]) -> None:
    """Write a commented scenario of ten lines that solves."""
    from capacity.scenario import write_template

    written = write_template(path)
    typer.echo(f"wrote {written}; next: capacity solve {written}")


@app.command()
def synth(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; .yaml is added.")],
    sites: Annotated[int, typer.Option(help="Candidate sites.")] = 8,
    years: Annotated[int, typer.Option(help="Years of the plan.")] = 5,
    accelerators: Annotated[int, typer.Option(help="Accelerators on offer, one pod design each.")] = 5,
    classes: Annotated[int, typer.Option(help="Service classes.")] = 3,
    regions: Annotated[int, typer.Option(help="Regions that ask.")] = 6,
    slices: Annotated[int, typer.Option(help="Slices of the day.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed draws the same scenario.")] = 0,
) -> None:
    """Write a scenario of a size, drawn from the catalogue by a seed: for tests and benchmarks."""
    from capacity.scenario.synth import Size, synthesise

    written = synthesise(path, Size(sites, years, accelerators, classes, regions, slices), seed)
    typer.echo(f"wrote {written}; next: capacity solve {written}")


@app.command()
def check(scenario: ScenarioName = None, sets: Sets = None) -> None:
    """Check a scenario against itself and the catalogue; says what it asks."""
    from capacity.scenario import demand_table, scenario_hash

    s, catalogue = question(scenario, sets)
    demand = demand_table(s, [catalogue.region(region) for region in s.regions])
    total = demand.groupby("year")["instances"].sum()
    typer.echo(f"{s.name}: sound ({scenario_hash(s)[:12]})")
    typer.echo(f"  years         {s.years.first} to {s.years.last}, goal {s.goal.kind}")
    typer.echo(f"  demand        {total.iloc[0]:,.0f} to {total.iloc[-1]:,.0f} instances in {len(s.regions)} regions")
    for label, names in (("classes", s.classes), ("variants", s.variants), ("sites", s.sites)):
        typer.echo(f"  {label:13} {', '.join(names)}")
    archetypes = f", archetypes every {s.archetypes.every} years" if s.archetypes.include else ""
    typer.echo(f"  accelerators  {', '.join(s.accelerators)}{archetypes}")


@app.command()
def show(scenario: ScenarioName = None, sets: Sets = None) -> None:
    """Print a scenario in full: inheritance resolved, defaults written out, plain numbers."""
    from capacity.scenario import load_scenario, resolved

    sys.stdout.write(resolved(load_scenario(scenario, sets or ())))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a scenario file, for editors."""
    from capacity.scenario import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


@app.command(name="list")
def list_() -> None:
    """List the shipped scenarios."""
    from capacity.scenario import list_scenarios, load_scenario

    for name in list_scenarios():
        s = load_scenario(name)
        typer.echo(f"{name:28} {s.years.first}-{s.years.last}  {' '.join(s.description.split())}")
