"""What each table may hold: columns, types, units, ranges, references. One file a table: `data/schema/<table>.yaml`.

    key: [accelerator, year]
    description: What the table says, and the rule its rows were made by.
    ordered: [[price_low_usd, price_usd, price_high_usd]]
    columns:
      accelerator: {type: str, required: true, references: accelerators.id, description: ...}
      price_usd: {type: float, unit: USD, min: 0, required: true, description: ...}

Every table also has `source`, `as_of` and `confidence`, required in each row and not repeated in the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capacity.catalogue.yamlio import read_yaml
from capacity.errors import InputError, nearest

TYPES = ("str", "int", "float", "bool", "year", "date")
CONFIDENCES = ("published", "derived", "estimate")


@dataclass(frozen=True)
class ColumnSchema:
    """One column; `min` and `max` are inclusive, `references` is `table.column`."""

    name: str
    type: str = "str"
    unit: str = ""
    min: float | None = None
    max: float | None = None
    required: bool = False
    allowed: tuple[str, ...] = ()
    references: str = ""
    description: str = ""


@dataclass(frozen=True)
class TableSchema:
    """One table; `ordered` lists columns whose values may not decrease from left to right in a row."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, ColumnSchema]
    ordered: tuple[tuple[str, ...], ...] = ()
    description: str = ""


PROVENANCE = {
    "source": ColumnSchema("source", required=True, description="document, dataset or rule the row comes from"),
    "as_of": ColumnSchema("as_of", "date", required=True,
                          description="when the source held: YYYY, YYYY-MM or YYYY-MM-DD"),
    "confidence": ColumnSchema("confidence", required=True, allowed=CONFIDENCES,
                               description="published: read in the source; derived: computed; estimate: a guess"),
}

_COLUMN_KEYS = tuple(f for f in ColumnSchema.__dataclass_fields__ if f != "name")
_TABLE_KEYS = ("key", "columns", "ordered", "description")


def _refuse_unknown(file: str, where: str, given: dict[str, Any], allowed: tuple[str, ...]) -> None:
    for key in given:
        if key not in allowed:
            raise InputError(f"{file}: {where}: unknown key `{key}`; allowed: {', '.join(allowed)}"
                             f"{suggestion(str(key), list(allowed))}")


def suggestion(name: str, valid: list[str]) -> str:
    """The tail of an error message: `; nearest: x`, or nothing."""
    near = nearest(name, valid)
    return f"; nearest: `{near}`" if near else ""


def _column(file: str, name: str, given: Any) -> ColumnSchema:
    if not isinstance(given, dict):
        raise InputError(f"{file}: column `{name}` must be a mapping such as {{type: float, unit: USD}}, not {given!r}")
    _refuse_unknown(file, f"column `{name}`", given, _COLUMN_KEYS)
    kind = given.get("type", "str")
    if kind not in TYPES:
        raise InputError(f"{file}: column `{name}`: type `{kind}`; allowed: {', '.join(TYPES)}")
    values = dict(given)
    values["allowed"] = tuple(str(v) for v in given.get("allowed") or ())
    values["references"] = given.get("references") or ""
    return ColumnSchema(name, **values)


def read_schema(path: Path) -> TableSchema:
    """The schema of the table named as the file. Raises InputError naming file and key."""
    given = read_yaml(path)
    file = path.name
    _refuse_unknown(file, "top level", given, _TABLE_KEYS)
    for needed in ("key", "columns"):
        if not given.get(needed):
            raise InputError(f"{file}: key `{needed}` is missing or empty")
    columns = {name: _column(file, name, column) for name, column in given["columns"].items()}
    columns = {**{n: c for n, c in columns.items() if n not in PROVENANCE}, **PROVENANCE}
    key = tuple(given["key"])
    ordered = tuple(tuple(group) for group in given.get("ordered") or ())
    for name in (*key, *(c for group in ordered for c in group)):
        if name not in columns:
            raise InputError(f"{file}: `{name}` in `key` or `ordered` is no column of the table"
                             f"{suggestion(name, list(columns))}")
    return TableSchema(path.stem, key, columns, ordered, str(given.get("description", "")))
