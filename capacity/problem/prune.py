"""Configurations that no best plan needs: dropped before the model exists, and remembered for the report.

One configuration stands for another of the same asset and commodity when it makes at least as much per accelerator,
bears at least the same round trip, costs no more per amount made anywhere and at any time, serves in every year the
other does, and is under no share limit. Replacing the other by it then keeps every row and raises no cost.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

ROUNDING = 1e-9


def dominated(activities: pd.DataFrame, costs: pd.DataFrame, shares: pd.DataFrame) -> pd.DataFrame:
    """Rows (activity, by): activities that can be left out, each with one that stands for it."""
    table = activities.reset_index(drop=True)
    if table.empty:
        return pd.DataFrame(columns=["activity", "by"])
    each = costs.merge(table[["activity", "output_per_unit"]], on="activity")
    each["per_amount"] = each["objective"] / each["output_per_unit"]
    wide = each.pivot_table(index="activity", columns=["place", "period"], values="per_amount", aggfunc="sum")
    price = wide.reindex(table["activity"]).to_numpy(dtype=float)
    limited = set(zip(shares["commodity"], shares["group"], strict=True))
    free = np.array([(c, g) not in limited for c, g in zip(table["commodity"], table["group"], strict=True)])
    rows = []
    for _, members in table.groupby(["asset", "commodity"], sort=False):
        rows += _within(members, price, free)
    return pd.DataFrame(rows, columns=["activity", "by"])


def _within(members: pd.DataFrame, price: np.ndarray, free: np.ndarray) -> list[tuple[str, str]]:
    left = list(members.index)
    rows = []
    for i in sorted(members.index, key=lambda at: members["output_per_unit"][at]):
        better = next((j for j in left if j != i and free[j] and _stands_for(members, price, j, i)), None)
        if better is not None:
            left.remove(i)
            rows.append((str(members["activity"][i]), str(members["activity"][better])))
    return rows


def _stands_for(members: pd.DataFrame, price: np.ndarray, j: int, i: int) -> bool:
    here = ~np.isnan(price[i])
    return bool(
        members["output_per_unit"][j] >= members["output_per_unit"][i]
        and members["slack"][j] >= members["slack"][i]
        and members["first"][j] <= members["first"][i]
        and np.all(price[j][here] <= price[i][here] * (1 + ROUNDING))
    )
