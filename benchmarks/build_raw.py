"""The formulation of `build_problem`, written out by hand: once with numpy and scipy, once with linopy.

Both start from the tables, as our own compiler does, and end with the arrays of the same matrix. They know what the
problems of this benchmark hold (every activity on an asset, no links, no reservations) and skip all else.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from capacity.problem import Problem

INF = np.inf


class Coded:
    """The tables' words as whole numbers, and the columns that follow from them."""

    def __init__(self, problem: Problem) -> None:
        t = problem.table
        self.t = t
        self.names = {name: pd.Index(values) for name, values in {
            "place": t("openings")["place"].unique(), "asset": t("assets")["asset"], "period": t("periods")["period"],
            "slice": t("slices")["slice"], "activity": t("activities")["activity"], "demand": t("demands")["demand"],
            "commodity": t("activities")["commodity"].unique(),
        }.items()}
        self.n = {name: len(index) for name, index in self.names.items()}
        self._alive()
        self._use()
        self._serve()
        sizes = {"open": self.n["place"] * self.n["period"], "opened": self.n["place"] * self.n["period"],
                 "built": self.n["place"] * self.n["period"], "bought": len(self.cell[0]), "alive": len(self.alive[0]),
                 "use": len(self.use[0]), "serve": len(self.serve[0]), "short": self.n["demand"]}
        starts = np.concatenate([[0], np.cumsum(list(sizes.values()))])
        self.first = dict(zip(sizes, starts.tolist(), strict=False))
        self.size, self.columns = sizes, int(starts[-1])

    def code(self, table: str, *keys: str) -> list[np.ndarray]:
        """Columns of a table as whole numbers."""
        where = {"vintage": "period"}
        return [self.names[where.get(k, k)].get_indexer(self.t(table)[k]) for k in keys]

    def _alive(self) -> None:
        self.cell = self.code("asset_cells", "place", "asset", "vintage")
        life = self.t("asset_cells")["life"].to_numpy()
        periods = self.n["period"]
        row, period = np.divmod(np.arange(len(life) * periods), periods)
        kept = (self.cell[2][row] <= period) & (period < self.cell[2][row] + life[row])
        row, period = row[kept], period[kept]
        self.alive, self.alive_cell = (self.cell[0][row], self.cell[1][row], self.cell[2][row], period), row

    def _use(self) -> None:
        on = self.code("activities", "asset")[0]
        p, k, _, y = self.alive
        there = np.unique((p * self.n["asset"] + k).astype(np.int64) * self.n["period"] + y)
        p, rest = np.divmod(there, self.n["asset"] * self.n["period"])
        k, y = np.divmod(rest, self.n["period"])
        order, count = np.argsort(on, kind="stable"), np.bincount(on, minlength=self.n["asset"])
        start = np.cumsum(count) - count
        many = count[k]
        row = np.repeat(np.arange(len(k)), many)
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        row, a = np.repeat(row, self.n["slice"]), np.repeat(order[start[k][row] + within], self.n["slice"])
        h = np.tile(np.arange(self.n["slice"]), many.sum())
        self.stock, self.use = (p, k, y), (p[row], a, y[row], h)
        self.use_stock = row

    def _serve(self) -> None:
        self.serve = tuple(self.code("assignments", "demand", "place"))
        self.of_demand = self.code("demands", "commodity", "period", "slice")


def raw(problem: Problem) -> dict[str, Any]:
    """The arrays: matrix (CSR), row_lower, row_upper, lower, upper, integer, costs."""
    c = Coded(problem)
    rows = _Rows(c.columns)
    _sites(c, rows)
    _fleet(c, rows)
    _service(c, rows)
    matrix, low, high = rows.made()
    lower, upper, integer = _columns(c)
    return {"matrix": matrix, "row_lower": low, "row_upper": high, "lower": lower, "upper": upper, "integer": integer,
            "costs": _costs(c)}


class _Rows:
    """Triplets, gathered."""

    def __init__(self, columns: int) -> None:
        self.columns, self.count = columns, 0
        self.row, self.col, self.val, self.low, self.high = [], [], [], [], []

    def add(self, size: int, low: Any, high: Any, *terms: tuple[Any, Any, Any]) -> None:
        """Rows of one rule; terms are (row within the rule, column, coefficient)."""
        for row, col, val in terms:
            self.row.append((np.asarray(row) + self.count).astype(np.int32))
            self.col.append(np.asarray(col).astype(np.int32))
            self.val.append(np.broadcast_to(np.asarray(val, dtype=float), np.shape(row)))
        self.low.append(np.broadcast_to(np.asarray(low, dtype=float), size))
        self.high.append(np.broadcast_to(np.asarray(high, dtype=float), size))
        self.count += size

    def made(self) -> tuple[sp.csr_matrix, np.ndarray, np.ndarray]:
        """(matrix, lower sides, upper sides)"""
        triplets = np.concatenate(self.val), (np.concatenate(self.row), np.concatenate(self.col))
        matrix = sp.csr_matrix(triplets, shape=(self.count, self.columns))
        return matrix, np.concatenate(self.low), np.concatenate(self.high)


def _sites(c: Coded, rows: _Rows) -> None:
    S, Y = c.n["place"], c.n["period"]
    at = np.arange(S * Y)
    open_, opened, built = (c.first[v] + at for v in ("open", "opened", "built"))
    rows.add(S, -INF, 1.0, (at // Y, open_, 1.0))
    later = at[at % Y > 0]
    rows.add(S * Y, 0.0, 0.0, (at, opened, 1.0), (later, opened[later] - 1, -1.0), (at, open_, -1.0))
    s, y, v = np.divmod(np.arange(S * Y * Y), Y * Y)[0], np.arange(S * Y * Y) // Y % Y, np.arange(S * Y * Y) % Y
    past = v <= y
    s, y, v = s[past], y[past], v[past]
    rows.add(S * Y, -INF, 0.0, (s * Y + y, c.first["built"] + s * Y + v, 1.0), (at, opened, -9.0))
    rows.add(S * Y, -INF, 0.0, (at, built, 1.0), (at, opened, -4.0))
    rows.add(S * Y, -INF, 0.0, (at, opened, 1.0), (s * Y + y, c.first["built"] + s * Y + v, -1.0))


def _fleet(c: Coded, rows: _Rows) -> None:
    S, K, Y, H = (c.n[x] for x in ("place", "asset", "period", "slice"))
    p, k, v, y = c.alive
    n = np.arange(len(p))
    new = v == y
    previous = np.flatnonzero(~new)
    rows.add(len(p), np.where(new, 0.0, -INF), 0.0, (n, c.first["alive"] + n, 1.0),
             (n[new], c.first["bought"] + c.alive_cell[new], -1.0), (previous, c.first["alive"] + previous - 1, -1.0))
    cells = np.arange(len(c.cell[0]))
    most = c.t("asset_cells")["max"].to_numpy()
    rows.add(len(cells), -INF, 0.0, (cells, c.first["bought"] + cells, 1.0),
             (cells, c.first["opened"] + c.cell[0] * Y + c.cell[2], -most))
    stock = np.full(S * K * Y, -1)
    stock[(c.stock[0] * K + c.stock[1]) * Y + c.stock[2]] = np.arange(len(c.stock[0]))
    of = stock[(p * K + k) * Y + y]
    each = np.arange(len(c.use[0]))
    size = c.t("assets")["unit_size"].to_numpy()
    rows.add(len(c.stock[0]) * H, -INF, 0.0, (c.use_stock * H + c.use[3], c.first["use"] + each, 1.0),
             ((of[:, None] * H + np.arange(H)).ravel(), np.repeat(c.first["alive"] + n, H), np.repeat(-size[k], H)))
    amount = np.zeros(K)
    amount[c.code("asset_uses", "asset")[0]] = c.t("asset_uses")["amount"]
    s, yy, vv = np.arange(S * Y * Y) // (Y * Y), np.arange(S * Y * Y) // Y % Y, np.arange(S * Y * Y) % Y
    past = vv <= yy
    room = c.t("blocks")["capacity"].to_numpy()
    rows.add(S * Y, -INF, 0.0, (p * Y + y, c.first["alive"] + n, amount[k]),
             (s[past] * Y + yy[past], c.first["built"] + s[past] * Y + vv[past], -room[s[past]]))


def _service(c: Coded, rows: _Rows) -> None:
    Y, H, C = c.n["period"], c.n["slice"], c.n["commodity"]
    d, p = c.serve
    n = np.arange(len(d))
    amount = c.t("demands")["amount"].to_numpy()
    demand = np.arange(c.n["demand"])
    rows.add(len(demand), amount, amount, (d, c.first["serve"] + n, 1.0), (demand, c.first["short"] + demand, 1.0))
    com, y, h = (part[d] for part in c.of_demand)
    rows.add(len(d), -INF, 0.0, (n, c.first["serve"] + n, 1.0), (n, c.first["opened"] + p * Y + y, -amount[d]))
    cell = ((p * C + com) * Y + y) * H + h
    slack, made = c.t("activities")["slack"].to_numpy(), c.t("activities")["output_per_unit"].to_numpy()
    of = c.code("activities", "commodity")[0]
    up, ua, uy, uh = c.use
    use_cell = ((up * C + of[ua]) * Y + uy) * H + uh
    levels = np.unique(slack)
    run = np.searchsorted(levels, c.t("assignments")["rtt"].to_numpy())
    need = np.unique(cell * (len(levels) + 1) + run)
    low = np.full(need.size, INF)
    np.minimum.at(low, np.searchsorted(need, cell * (len(levels) + 1) + run), c.t("assignments")["rtt"].to_numpy())
    parts = []
    for level in range(len(levels) + 1):
        for at, key, column, value, bears in ((cell, cell, "serve", 1.0, run >= level),
                                              (use_cell, use_cell, "use", -made[ua],
                                               np.searchsorted(levels, slack[ua], side="right") > level)):
            want = key[bears] * (len(levels) + 1) + level
            row = np.searchsorted(need, want)
            hit = (row < len(need)) & (need[np.minimum(row, len(need) - 1)] == want)
            given = np.broadcast_to(value, at.shape)[bears][hit]
            parts.append((row[hit], c.first[column] + np.flatnonzero(bears)[hit], given))
    rows.add(len(need), -INF, 0.0, *parts)
    cells = np.arange(len(c.cell[0]))
    rows.add(Y, -INF, c.t("limits")["rhs"], (c.cell[2], c.first["bought"] + cells, 1.0))


def _columns(c: Coded) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    most = c.t("asset_cells")["max"].to_numpy()
    K, Y = c.n["asset"], c.n["period"]
    p, k, _, y = c.alive
    stock = np.bincount((p * K + k) * Y + y, most[c.alive_cell], minlength=c.n["place"] * K * Y)
    s = c.stock
    amount = c.t("demands")["amount"].to_numpy()
    upper = np.concatenate([
        np.ones(c.size["open"] + c.size["opened"]), np.full(c.size["built"], 4.0), most, most[c.alive_cell],
        stock[(s[0] * K + s[1]) * Y + s[2]][c.use_stock], amount[c.serve[0]], amount,
    ])
    whole = {"open", "built", "bought"}
    integer = np.concatenate([np.full(c.size[name], name in whole) for name in c.size])
    return np.zeros(c.columns), upper, integer


def _costs(c: Coded) -> list[np.ndarray]:
    shortage, cost = np.zeros(c.columns), np.zeros(c.columns)
    weight = 1.0 / c.n["slice"]
    shortage[c.first["short"] :] = weight
    K, Y = c.n["asset"], c.n["period"]
    for name, table in (("open", "openings"), ("built", "block_cells"), ("bought", "asset_cells")):
        cost[c.first[name] : c.first[name] + c.size[name]] = c.t(table)["objective"]
    upkeep = np.zeros(c.n["place"] * K * Y)
    p, k, y = c.code("upkeep", "place", "asset", "period")
    upkeep[(p * K + k) * Y + y] = c.t("upkeep")["objective"]
    p, k, _, y = c.alive
    cost[c.first["alive"] : c.first["alive"] + c.size["alive"]] = upkeep[(p * K + k) * Y + y]
    running = np.zeros(c.n["place"] * c.n["activity"] * Y)
    p, a, y = c.code("activity_costs", "place", "activity", "period")
    running[(p * c.n["activity"] + a) * Y + y] = c.t("activity_costs")["objective"]
    p, a, y, _ = c.use
    cost[c.first["use"] : c.first["use"] + c.size["use"]] = running[(p * c.n["activity"] + a) * Y + y] * weight
    return [shortage, cost]
