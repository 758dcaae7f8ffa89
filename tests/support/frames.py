"""Tables by hand: a line of column names, then the rows."""

import pandas as pd

from capacity.problem import Problem


def frame(columns, *rows):
    """A table from `"place period max"` and one tuple a row."""
    return pd.DataFrame(list(rows), columns=columns.split())


def small(order=("cost",), periods=(1,), name="small", **tables):
    """A Problem from its tables; unless given, one slice lasts all year, goals come in this order, limits are rules."""
    given = {
        "periods": frame("period", *((y,) for y in periods)),
        "slices": frame("slice hours", ("all", 8766.0)),
        "goals": frame("order goal", *enumerate(order, start=1)),
        **tables,
    }
    if "limits" in given and "topic" not in given["limits"]:
        given["limits"] = given["limits"].assign(topic="rule")
    return Problem.of(given, name=name)
