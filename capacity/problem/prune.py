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
    made, slack, first = (table[c].to_numpy() for c in ("output_per_unit", "slack", "first"))

    def stands_for(j: int, i: int) -> bool:
        here = ~np.isnan(price[i])
        return bool(made[j] >= made[i] and slack[j] >= slack[i] and first[j] <= first[i]
                    and np.all(price[j][here] <= price[i][here] * (1 + ROUNDING)))

    names, rows = table["activity"].tolist(), []
    for members in table.groupby(["asset", "commodity"], sort=False).indices.values():
        left = np.asarray(members).tolist()
        for i in sorted(left, key=lambda at: made[at]):
            better = next((j for j in left if j != i and free[j] and stands_for(j, i)), None)
            if better is not None:
                left.remove(i)
                rows.append((str(names[i]), str(names[better])))
    return pd.DataFrame(rows, columns=["activity", "by"])
