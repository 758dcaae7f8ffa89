"""`capacity study`: studies that ship with the package, and the founding question among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.text import Text

    from capacity.studies.founding import Facts, Finding

app = typer.Typer(help="Studies that ship with the package.", no_args_is_help=True)
WIDEST = 110
"""Longer lines are hard to read."""
COLOURS = {"holds": "green", "holds in part": "yellow", "does not hold": "red"}


@app.command(name="list")
def shipped(csv: AsCsv = False, json: AsJson = False) -> None:
    """Names of the shipped studies and of the arguments of the founding question."""
    import pandas as pd

    from capacity.cli.tables import print_frame
    from capacity.studies.file import list_studies
    from capacity.studies.founding import ARGUMENTS

    rows = [{"run": f"capacity what-if {name}", "asks": "a study file"} for name in list_studies()]
    rows += [{"run": f"capacity study founding {each.name}", "asks": each.title} for each in ARGUMENTS]
    print_frame(pd.DataFrame(rows), csv=csv, json=json, widest=38)


@app.command()
def founding(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Arguments \\[all].")] = None,
    csv: AsCsv = False, json: AsJson = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the essay and its charts here; all "
                                             "arguments.")] = None,
    report: Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write an offline page.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Does inference cost limit the impact of ever larger models? The arguments of 2021, computed.

    Without names a table of all; with names what was claimed, what is found, from which inputs, and what would flip it.
    """
    from capacity.catalogue import load_catalogue
    from capacity.errors import InputError
    from capacity.studies.founding import ARGUMENTS, Facts, named

    chosen = [named(name) for name in dict.fromkeys(names or ())] or list(ARGUMENTS)
    if out is not None and names:
        raise InputError("--out writes the essay of all arguments: leave out the names")
    facts = Facts(load_catalogue())
    with progress(len(chosen), quiet) as tell:
        found = _found(chosen, facts, tell)
    if out is not None:
        from capacity.report.essay import write_essay

        typer.echo(f"essay: {write_essay(found, facts, out)}", err=csv or json)
    if report is not None:
        from capacity.report.founding import write_findings

        typer.echo(f"page: {write_findings(found, facts, report)}", err=csv or json)
    _print(found, facts, bool(names), csv, json)


def _found(chosen: list, facts: Facts, tell: Callable[[str], None]) -> list[Finding]:  # type: ignore[type-arg]
    from capacity.studies.founding import told

    found = []
    for argument in chosen:
        tell(argument.name)
        found.append(told(argument, facts))
    return found


@contextmanager
def progress(total: int, silent: bool) -> Iterator[Callable[[str], None]]:
    """What is computed now, on stderr: a bar on a terminal, a line each in a pipe."""
    from capacity.cli.progress import screen

    count = iter(range(total))
    with screen(silent, counted=True) as shown:
        yield lambda name: shown.show([name], name, done=(next(count), total))


def _print(found: list[Finding], facts: Facts, whole: bool, csv: bool, json: bool) -> None:
    from capacity.cli.tables import console_of, print_frame
    from capacity.studies.founding.record import record, summary

    if json:
        from json import dumps

        typer.echo(dumps([record(finding, facts) for finding in found], indent=1, ensure_ascii=False))
        return
    if csv:
        print_frame(summary(found), csv=True)
        return
    console = console_of(0)
    console.width = min(console.width, WIDEST)
    if whole:
        for finding in found:
            _tell(console, finding, facts)
        return
    _table(console, found)


def _table(console: Console, found: list[Finding]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from capacity.studies.founding.record import figure, tally

    table = Table(title="The founding question, argument by argument", title_justify="left", box=box.SIMPLE_HEAD,
                  show_edge=False, pad_edge=False)
    table.add_column("argument", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("leading figure")
    for finding in found:
        leading, verdict = finding.outcome.figures[0], finding.outcome.verdict
        told = Text(verdict, style=COLOURS[verdict]) + ("" if finding.robust else Text(" *", style="dim"))
        table.add_row(finding.argument.name, told, Text(f"{leading.words}: ") + Text(figure(leading), style="bold"))
    console.print(table)
    console.print(Text(f"{tally(found)}.  * a statement of it turns within the stated range of an input.", style="dim"))
    console.print(Text("One in full: capacity study founding " + found[0].argument.name, style="dim"))


def _tell(console: Console, finding: Finding, facts: Facts) -> None:
    from rich.text import Text

    from capacity.studies.founding.record import figure, quotes, sensitivity

    argument, outcome = finding.argument, finding.outcome

    def say(text: str | Text, indent: int = 2, style: str = "", hang: int = 0) -> None:
        text = text if isinstance(text, Text) else Text(text, style=style)
        for number, line in enumerate(text.wrap(console, console.width - indent - hang)):
            line.rstrip()
            console.print(Text(" " * (indent + (hang if number else 0))) + line)

    console.print(Text(argument.title, style="bold") + Text(f"   {argument.name}", style="dim"))
    say(argument.claim)
    for quote in quotes(finding, facts):
        say(f"“{quote}”", 4, "italic dim")
    console.print()
    say(Text(outcome.verdict, style=f"bold {COLOURS[outcome.verdict]}")
        + Text("" if finding.robust else ", though not over the whole range of its inputs", style="default"))
    for part in outcome.parts:
        mark = Text("yes  ", style="green") if part.holds else Text("no   ", style="red")
        say(mark + Text(f"{part.claim}: ", style="bold") + Text(part.found), hang=5)
    console.print()
    say(outcome.reading)
    console.print()
    for given in outcome.figures:
        say(Text(f"{given.words}: ") + Text(figure(given), style="bold") + Text("  "
                                                                                f"{given.basis}", style="dim"), hang=2)
    console.print()
    say(sensitivity(finding))
    for swing in finding.swings:
        say(_input(finding, swing), 4, hang=2)
    console.print()


def _input(finding: Finding, swing: object) -> Text:
    from rich.text import Text

    from capacity.studies.founding.argument import Swing
    from capacity.studies.founding.record import amount, ranged, turning

    assert isinstance(swing, Swing)
    given, leading = swing.input, finding.outcome.figures[0]
    low, high = (amount(value, leading.unit) for value in (swing.low, swing.high))
    moved = "leading figure unmoved" if low == high else f"leading figure {low} to {high}"
    return (Text(f"{given.words}: ") + Text(ranged(given), style="bold") + Text(f"; {moved}; {turning(swing)}")
            + Text(f"  {given.source}, {given.confidence}", style="dim"))
