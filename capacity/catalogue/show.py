"""The catalogue as tables to print: which tables there are, and rows of one that meet conditions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from capacity.catalogue.schema import suggestion
from capacity.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalogue.catalogue import Catalogue

_FILTER = re.compile(r"\s*(\w+)\s*(<=|>=|!=|==|=|<|>|~)\s*(.*?)\s*")


def list_tables(cat: Catalogue) -> pd.DataFrame:
    """Columns table, rows, key, estimates (share of its numbers that are guesses), description; AI models last."""
    import pandas as pd

    from capacity.catalogue.audit import summary

    shares = summary(cat.audit()).set_index("table")["estimate_share"]
    rows = [(name, len(cat.table(name)), ", ".join(cat.schema(name).key), shares.get(name, 0.0),
             cat.schema(name).description.split(". ")[0].strip().rstrip(".")) for name in cat.tables()]
    rows.append(("models", len(cat.models()), "id", shares.get("models", 0.0), "AI model cards, models/*.yaml"))
    return pd.DataFrame(rows, columns=["table", "rows", "key", "estimates", "description"])


def show_table(cat: Catalogue, name: str) -> pd.DataFrame:
    """A table as typed columns; `models` gives the AI model cards, one a row."""
    import pandas as pd

    if name != "models":
        if name not in cat.tables():
            known = [*cat.tables(), "models"]
            raise InputError(f"no table `{name}`; tables: {', '.join(known)}{suggestion(name, known)}")
        return cat.table(name)
    table = pd.DataFrame([asdict(card) for card in cat.models().values()])
    table["aliases"] = table["aliases"].map("; ".join)
    return table


def columns_of(cat: Catalogue, name: str) -> pd.DataFrame:
    """Columns column, type, unit, required, description of a table, from its schema."""
    import pandas as pd

    rows = [(c.name, c.type, c.unit, c.required, c.description) for c in cat.schema(name).columns.values()]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "required", "description"])


def select(cat: Catalogue, table: str, filters: Sequence[str] = (), columns: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of a table that meet every filter, in some or all columns.

    A filter is `column OP value` with OP one of = != < <= > >= ~ (contains, any case); numbers compare as numbers.
    Raises InputError for an unknown table or column, and for a filter that cannot be read.
    """
    frame = show_table(cat, table)
    known = list(frame.columns)
    for condition in filters:
        frame = frame[_meets(frame, condition, table, known)]
    for name in columns:
        _check_column(name, table, known)
    return frame[list(columns) if columns else known].reset_index(drop=True)


def _check_column(name: str, table: str, known: list[str]) -> None:
    if name not in known:
        raise InputError(f"table {table} has no column `{name}`; columns: {', '.join(known)}{suggestion(name, known)}")


def _meets(frame: pd.DataFrame, condition: str, table: str, known: list[str]) -> pd.Series:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    found = _FILTER.fullmatch(condition)
    if not found:
        raise InputError(f"filter `{condition}` cannot be read; write column, one of = != < <= > >= ~, and a value, "
                         "such as memory_gb>100 or vendor=NVIDIA")
    name, sign, text = found.groups()
    _check_column(name, table, known)
    column = frame[name]
    if sign == "~":
        return column.astype(str).str.contains(text, case=False, regex=False)
    value: object = text
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        try:
            value = float(text)
        except ValueError:
            raise InputError(f"filter `{condition}`: column `{name}` holds numbers, `{text}` is none") from None
    elif sign not in ("=", "==", "!="):
        raise InputError(f"filter `{condition}`: column `{name}` holds text; allowed: = != ~")
    else:
        column = column.astype(str).str.casefold()
        value = text.casefold()
    compare = {"=": column.eq, "==": column.eq, "!=": column.ne, "<": column.lt, "<=": column.le, ">": column.gt,
               ">=": column.ge}
    result: pd.Series = compare[sign](value)
    return result
