"""`capacity catalogue`: what exists, and which of its numbers are guesses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capacity.cli.inputs import AsCsv, AsJson

if TYPE_CHECKING:
    import pandas as pd

AUDIT = "audit"


def catalogue(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="A table, `models`, or `audit`.")] = None,
    where: Annotated[
        list[str] | None, typer.Option("--where", metavar="EXPR", help="Rows to keep: memory_gb>100. Repeatable.")
    ] = None,
    columns: Annotated[str | None, typer.Option("--columns", metavar="A,B", help="Columns to print, by comma.")] = None,
    overlay: Annotated[
        list[Path] | None, typer.Option("--overlay", metavar="DIR", help="Lay a folder of your tables over ours.")
    ] = None,
    csv: AsCsv = False,
    json: AsJson = False,
) -> None:
    """List the tables, print one, or tell published numbers from estimates (audit)."""
    from capacity.catalogue import load_catalogue
    from capacity.catalogue.show import list_tables, select
    from capacity.cli.tables import print_frame

    cat = load_catalogue(overlay or ())
    chosen = [name.strip() for name in columns.split(",")] if columns else []
    if table is None:
        print_frame(list_tables(cat), csv=csv, json=json, widest=60)
    elif table == AUDIT:
        _print_audit(cat.audit(), csv, json)
    else:
        print_frame(select(cat, table, where or (), chosen), title=table, all_columns=bool(chosen), csv=csv, json=json)


def _print_audit(numbers: pd.DataFrame, csv: bool, json: bool) -> None:
    """Numbers by table and confidence, then the columns that hold estimates. CSV and JSON hold every number."""
    from capacity.catalogue.audit import summary
    from capacity.cli.tables import print_frame

    if csv or json:
        print_frame(numbers, csv=csv, json=json)
        return
    print_frame(summary(numbers), title="Numbers by confidence")
    guessed = numbers.assign(estimates=numbers["confidence"] == "estimate").groupby(["table", "column"], sort=False)
    counts = guessed["estimates"].agg(["sum", "count"]).reset_index()
    counts.columns = ["table", "column", "estimates", "numbers"]
    print_frame(counts[counts["estimates"] > 0], title="\nColumns that hold estimates")
    total = int(counts["estimates"].sum())
    typer.echo(f"\n{total:,} of {len(numbers):,} numbers are estimates; --csv lists each with its source")
