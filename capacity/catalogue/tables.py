"""From a CSV file to a typed table, and a user's table laid over ours row by key."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue.schema import PROVENANCE, ColumnSchema, TableSchema, suggestion
from capacity.errors import InputError

if pd.get_option("mode.string_storage") == "auto":  # unless the user chose one
    # A plan is thousands of joins of small tables, which look words up as Python's own: kept as pyarrow's they are
    # turned into those each time, a third of the time of building and auditing a plan.
    pd.set_option("mode.string_storage", "python")

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0"}


@dataclass(frozen=True)
class RawTable:
    """Cells as text, with the file and line each row was read from."""

    columns: list[str]
    rows: list[dict[str, str]]
    files: list[str]
    lines: list[int]

    def place(self, row: int) -> str:
        """`file.csv row 7`, for messages; the header is row 1."""
        return f"{self.files[row]} row {self.lines[row]}"


def read_csv(path: Path, schema: TableSchema, *, partial: bool = False) -> RawTable:
    """Cells of a file, checked for shape: known columns, none twice, all of the key, at least one row.

    `partial` (a user's overlay) accepts a file without all of the columns. Raises InputError.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            body = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a CSV file: {error}") from None
    _check_header(path, header, schema, partial)
    if not body:
        raise InputError(f"{path}: the table has no rows below its header")
    for line, cells in body:
        if len(cells) != len(header):
            raise InputError(f"{path} row {line}: {len(cells)} cells where the header has {len(header)} columns")
    rows = [dict(zip(header, (cell.strip() for cell in cells), strict=True)) for _, cells in body]
    return RawTable(header, rows, [path.name] * len(rows), [line for line, _ in body])


def _check_header(path: Path, header: list[str], schema: TableSchema, partial: bool) -> None:
    if not any(header):
        raise InputError(f"{path}: the file is empty; it needs the columns {', '.join(schema.columns)}")
    for name in header:
        if name not in schema.columns:
            raise InputError(f"{path}: unknown column `{name}`; allowed: {', '.join(schema.columns)}"
                             f"{suggestion(name, list(schema.columns))}")
        if header.count(name) > 1:
            raise InputError(f"{path}: column `{name}` is given twice")
    needed = schema.key if partial else [n for n, c in schema.columns.items() if c.required or n in schema.key]
    missing = [name for name in needed if name not in header]
    if missing:
        raise InputError(f"{path}: column `{missing[0]}` is missing; the table needs {', '.join(needed)}")


def overlay(ours: RawTable, theirs: RawTable, schema: TableSchema) -> RawTable:
    """A user's rows over ours by key: a cell given replaces ours, an empty or absent one keeps it, new keys are added.

    A row changed without a `source` or `confidence` of its own says which file changed it and counts as an estimate.
    """
    where = {_key(row, schema): i for i, row in enumerate(ours.rows)}
    rows, files, lines = [dict(r) for r in ours.rows], list(ours.files), list(ours.lines)
    for row, file, line in zip(theirs.rows, theirs.files, theirs.lines, strict=True):
        given = {name: cell for name, cell in row.items() if cell != ""}
        at = where.get(_key(row, schema))
        if at is None:
            rows.append(given)
            files.append(file)
            lines.append(line)
            continue
        if any(rows[at].get(name, "") != cell for name, cell in given.items()):
            rows[at] = {**rows[at], "source": f"user's {file}; unchanged cells: {rows[at].get('source', '')}",
                        "confidence": "estimate", **given}
        files[at], lines[at] = file, line
    return RawTable(list(schema.columns), rows, files, lines)


def _key(row: dict[str, str], schema: TableSchema) -> tuple[str, ...]:
    return tuple(row.get(name, "") for name in schema.key)


def typed(raw: RawTable, schema: TableSchema) -> pd.DataFrame:
    """The table in its schema's column order and types; an optional number that is absent is NaN, a text is empty.

    Raises InputError naming file, row, column, what was given and what is allowed.
    """
    columns = {name: _convert(raw, column) for name, column in schema.columns.items()}
    table = pd.DataFrame(columns)
    _check_ordered(raw, table, schema)
    _check_unique(raw, table, schema)
    return table


def _convert(raw: RawTable, column: ColumnSchema) -> pd.Series[Any]:
    cells = [row.get(column.name, "") for row in raw.rows]
    if column.required:
        for row, cell in enumerate(cells):
            if cell == "":
                raise InputError(f"{raw.place(row)}, column `{column.name}`: a value is required ({_wanted(column)})")
    series: pd.Series[Any]
    if column.type in ("str", "date"):
        series = pd.Series(cells, dtype="str")
        if column.type == "date":
            _check_dates(raw, column, cells)
    elif column.type == "bool":
        series = pd.Series([_boolean(raw, row, column, cell) for row, cell in enumerate(cells)], dtype=bool)
    else:
        series = _numbers(raw, column, cells)
    if column.allowed:
        for row, cell in enumerate(cells):
            if cell and cell not in column.allowed:
                raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cell}` is not allowed; "
                                 f"allowed: {', '.join(column.allowed)}{suggestion(cell, list(column.allowed))}")
    return series


def _wanted(column: ColumnSchema) -> str:
    unit = f" in {column.unit}" if column.unit and column.unit != "1" else ""
    low = "" if column.min is None else f", at least {column.min:g}"
    high = "" if column.max is None else f", at most {column.max:g}"
    return f"{column.type}{unit}{low}{high}"


def _check_dates(raw: RawTable, column: ColumnSchema, cells: list[str]) -> None:
    for row, cell in enumerate(cells):
        if cell and not _DATE.fullmatch(cell):
            raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cell}` is no date; "
                             "write YYYY, YYYY-MM or YYYY-MM-DD")


def _boolean(raw: RawTable, row: int, column: ColumnSchema, cell: str) -> bool:
    if cell.lower() in _TRUE:
        return True
    if cell.lower() in _FALSE or cell == "":
        return False
    raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cell}` is neither true nor false")


def _numbers(raw: RawTable, column: ColumnSchema, cells: list[str]) -> pd.Series[Any]:
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell == "":
            continue
        try:
            values[row] = float(cell)
        except ValueError:
            raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cell}` is no number; "
                             f"wanted: {_wanted(column)}") from None
    given = np.array([cell != "" for cell in cells])
    wrong = given & ~np.isfinite(values)
    if column.min is not None:
        wrong |= values < column.min
    if column.max is not None:
        wrong |= values > column.max
    whole = column.type in ("int", "year")
    if whole:
        wrong |= given & (np.floor(values) != values)
    if column.type == "year":
        wrong |= (values < 1900) | (values > 2200)  # a calendar year, not a count
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cells[row]}` is not allowed; "
                         f"wanted: {_wanted(column)}")
    return pd.Series(values.astype(np.int64) if whole and given.all() else values)


def _check_ordered(raw: RawTable, table: pd.DataFrame, schema: TableSchema) -> None:
    for group in schema.ordered:
        for left, right in pairwise(group):
            wrong = (table[left] > table[right]).to_numpy()
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise InputError(f"{raw.place(row)}, column `{left}`: {table[left].iloc[row]:g} is above `{right}` "
                                 f"({table[right].iloc[row]:g}); the order must be {' <= '.join(group)}")


def _check_unique(raw: RawTable, table: pd.DataFrame, schema: TableSchema) -> None:
    key = list(schema.key)
    twice = table.duplicated(key).to_numpy()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        same = (table[key] == table[key].iloc[row]).all(axis=1).to_numpy()
        first = int(np.flatnonzero(same)[0])
        given = ", ".join(f"{name}={table[name].iloc[row]}" for name in key)
        raise InputError(f"{raw.place(row)}, column `{key[0]}`: {given} is given twice (first at {raw.place(first)})")


def check_references(raw: RawTable, column: ColumnSchema, valid: list[str]) -> None:
    """Raise InputError where a cell of `column` names nothing in the column it references."""
    known = set(valid)
    for row, cells in enumerate(raw.rows):
        cell = cells.get(column.name, "")
        if cell and cell not in known:
            raise InputError(f"{raw.place(row)}, column `{column.name}`: `{cell}` is not in {column.references}"
                             f"{suggestion(cell, valid)}")


__all__ = ["PROVENANCE", "RawTable", "check_references", "overlay", "read_csv", "typed"]
