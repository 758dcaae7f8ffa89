"""A plan for other tools: CSV files, one spreadsheet, or one JSON document."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from capacity.errors import InputError, nearest
from capacity.plan.assemble import plain
from capacity.plan.columns import PLAN_TABLES
from capacity.plan.model import Plan


def export_plan(plan: Plan, path: Path | str, format: str) -> Path:
    """Writes every table: `csv` a folder of files, `xlsx` one workbook, `json` one document; returns the path.

    `columns` goes with them: table, column, unit and meaning of everything. Raises InputError for an unknown format, a
    path that cannot be written, and for xlsx without openpyxl installed.
    """
    writers: dict[str, Callable[[dict[str, pd.DataFrame], Plan, Path], None]] = {
        "csv": _csv, "xlsx": _xlsx, "json": _json,
    }
    if format not in writers:
        hint = nearest(format, list(writers))
        raise InputError(
            f"no export format {format!r}; allowed: {', '.join(writers)}" + (f"; nearest: {hint!r}" if hint else "")
        )
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        writers[format](_tables(plan), plan, target)
    except OSError as error:
        raise InputError(f"{target}: cannot write: {error.strerror or error}") from None
    return target


def _tables(plan: Plan) -> dict[str, pd.DataFrame]:
    columns = pd.DataFrame(
        [(t, c, s.kind, s.unit, s.text) for t, cs in PLAN_TABLES.items() for c, s in cs.items()],
        columns=["table", "column", "kind", "unit", "meaning"],
    )
    first = {"schedule": plan.tables["schedule"]}
    return {**first, **plan.tables, "stages": plan.stages, "assumptions": plan.assumptions, "columns": columns}


def _csv(tables: dict[str, pd.DataFrame], plan: Plan, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)


def _xlsx(tables: dict[str, pd.DataFrame], plan: Plan, path: Path) -> None:
    try:
        from openpyxl.styles import Alignment
    except ImportError:
        raise InputError("xlsx needs openpyxl, which is missing here: install it, or export csv") from None
    with _draft(path) as draft, pd.ExcelWriter(draft, engine="openpyxl") as book:
        for name, table in tables.items():
            table.to_excel(book, sheet_name=name, index=False)
            sheet = book.sheets[name]
            sheet.freeze_panes = "A2"
            for at, column in enumerate(table.columns, start=1):
                head = sheet.cell(row=1, column=at)
                head.alignment = Alignment(wrap_text=True, vertical="top")
                sheet.column_dimensions[head.column_letter].width = max(12, len(str(column)))


def _json(tables: dict[str, pd.DataFrame], plan: Plan, path: Path) -> None:
    records = {
        name: [{k: plain(v) for k, v in row.items()} for row in table.to_dict("records")]
        for name, table in tables.items()
    }
    text = json.dumps({"name": plan.name, "summary": dict(plan.summary), "tables": records}, allow_nan=False)
    with _draft(path) as draft:
        draft.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """A path beside the target that becomes it when all went well, and vanishes otherwise."""
    draft = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
