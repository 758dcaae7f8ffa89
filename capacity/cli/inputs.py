"""What several commands take: a scenario with overrides, and the catalogue it speaks of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from capacity.catalogue import Catalogue
    from capacity.scenario import Scenario

ScenarioName = Annotated[
    str | None,
    typer.Argument(metavar="SCENARIO", help="A scenario file, or a shipped one by name \\[human-equivalents]."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override one value, such as money.discount_rate=7%. Repeatable."),
]
RunFolder = Annotated[str, typer.Argument(metavar="RUN", help="The plan's folder, as written by `capacity solve`.")]
Report = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Also write an offline page.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, all columns.")]


def question(name: str | None, sets: list[str] | None) -> tuple[Scenario, Catalogue]:
    """A scenario and its catalogue, checked against each other. Raises InputError."""
    from capacity.catalogue import load_catalogue
    from capacity.scenario import check_against, load_scenario

    scenario = load_scenario(name, sets or ())
    catalogue = load_catalogue(scenario.catalogue)
    check_against(scenario, catalogue)
    return scenario, catalogue
