"""Which rows of a program are a location problem: places that open, customers who are each served by open places.

    min  sum_j open[j] * y[j]  +  sum_ij cost[i,j] * x[i,j]            y[j] whole, 0 or 1;  0 <= x[i,j] <= y[j]
         sum_j x[i,j] = 1                                              each customer i, in shares
         sum_i load[i] * x[i,j]  <=  room[j] * y[j]                    where a place j has limited room
         fewest  <=  sum_j y[j]  <=  most

A program is told by its rows alone, after columns that must be equal are one column and what only hands on a load is
gone. It is either this problem whole, or it is not taken for one: every row must be accounted for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from capacity.solving.compile import Form

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAME = 1e-9
"""Relative difference up to which two coefficients count as the same."""


@dataclass(frozen=True)
class Location:
    """Shapes: m places, n customers. `cost` is inf where a place may not serve a customer, `room` inf where it has none
    to run out of; `place_of` gives the place of every column of the program that is whole, -1 for other columns."""

    open_cost: Floats
    """(m,)"""
    cost: Floats
    """(m, n): of all that a customer asks for"""
    load: Floats
    """(n,)"""
    room: Floats
    """(m,)"""
    fewest: int
    most: int
    place_of: Ints
    """(columns of the program,)"""
    constant: float

    @property
    def limited(self) -> bool:
        """Whether some place may run out of room."""
        return bool(np.isfinite(self.room).any())

    def whole_costs(self) -> bool:
        """Whether every plan costs a whole number: then a bound may be rounded up."""
        finite = np.concatenate([self.open_cost, self.cost[np.isfinite(self.cost)], [self.constant]])
        return not self.limited and bool(np.all(finite == np.round(finite)))

    def columns(self, opened: NDArray[np.bool_], form: Form) -> Floats:
        """The whole columns of the program for a choice of places, shape (columns,); others at their lower bound."""
        return np.where(self.place_of >= 0, opened[self.place_of].astype(float), form.lower)


@dataclass(frozen=True)
class _Reduced:
    """The program with equal columns merged, without fixed columns and without rows that always hold."""

    rows: sp.csr_matrix
    low: Floats
    high: Floats
    cost: Floats
    lower: Floats
    upper: Floats
    whole: NDArray[np.bool_]
    group: Ints
    """(columns of the program,): the merged column of each"""
    constant: float


def location_of(form: Form, cost: Floats) -> Location | None:
    """The program as a location problem for one of its goals; None where some row or column says more."""
    if not form.integer.any() or form.matrix.nnz == 0:
        return None
    made = _reduced(form, cost)
    whole = np.flatnonzero(made.whole)
    if np.any(made.lower[whole] != 0) or np.any(made.upper[whole] != 1) or np.any(made.lower < 0):
        return None
    count, starts = np.diff(made.rows.indptr), made.rows.indptr
    if (count == 0).any():
        return None  # a row that nothing can meet
    smallest = np.minimum.reduceat(made.rows.data, starts[:-1]) if len(count) else np.zeros(0)
    holds_whole = np.maximum.reduceat(made.whole[made.rows.indices], starts[:-1])
    asked = (made.low == made.high) & (made.low > 0) & (smallest > 0) & ~holds_whole
    return _matched(form, made, np.flatnonzero(asked))


def _reduced(form: Form, cost: Floats) -> _Reduced:
    fixed = form.upper <= form.lower
    held = np.where(fixed, form.lower, 0.0)
    shift, free = form.matrix @ held, sp.diags((~fixed).astype(float))
    rows = sp.csr_matrix(form.matrix @ free)
    low, high = form.row_lower - shift, form.row_upper - shift
    keep = ~_always(rows, low, high, form.lower, form.upper)
    rows, low, high = sp.csr_matrix(rows[keep]), low[keep], high[keep]
    rows.eliminate_zeros()
    groups, group = _equal_columns(rows, low, high)
    merge = sp.csr_matrix((np.ones(form.columns), (np.arange(form.columns), group)), shape=(form.columns, groups))
    lower, upper = np.full(groups, -np.inf), np.full(groups, np.inf)
    np.maximum.at(lower, group, np.where(fixed, 0.0, form.lower))
    np.minimum.at(upper, group, np.where(fixed, 0.0, form.upper))
    whole = np.zeros(groups, dtype=bool)
    np.logical_or.at(whole, group, form.integer & ~fixed)
    rows = sp.csr_matrix(rows @ merge)
    rows.data[np.abs(rows.data) <= SAME] = 0.0
    rows.eliminate_zeros()
    keep = ~_always(rows, low, high, lower, upper)
    charged = np.where(fixed, 0.0, cost)
    return _Reduced(sp.csr_matrix(rows[keep]), low[keep], high[keep], np.asarray(merge.T @ charged), lower, upper,
                    whole, group, float(cost @ held))


def _always(rows: sp.csr_matrix, low: Floats, high: Floats, lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    """Rows that hold whatever the columns are within their bounds."""
    plus, minus = rows.maximum(0), rows.minimum(0)
    reach = np.minimum(upper, 1e30)
    most = plus @ reach + minus @ lower
    least = plus @ lower + minus @ reach
    size = SAME * (1.0 + np.where(np.isfinite(high), np.abs(high), 0.0))
    return np.asarray((most <= high + size) & (least >= low - size))


def _equal_columns(rows: sp.csr_matrix, low: Floats, high: Floats) -> tuple[int, Ints]:
    """(groups, group of each column) of columns that rows `x <= y` lead from one to the other and back."""
    two = np.flatnonzero((np.diff(rows.indptr) == 2) & (high == 0))
    at = rows.indptr[two]
    first, second = rows.indices[at], rows.indices[at + 1]
    one, other = rows.data[at], rows.data[at + 1]
    opposite = np.abs(one + other) <= SAME * np.abs(one)
    less = np.where(one > 0, first, second)[opposite]
    more = np.where(one > 0, second, first)[opposite]
    back = (low[two] == 0)[opposite]
    tail, head = np.concatenate([less, more[back]]), np.concatenate([more, less[back]])
    size = rows.shape[1]
    graph = sp.csr_matrix((np.ones(len(tail)), (tail, head)), shape=(size, size))
    groups, group = connected_components(graph, directed=True, connection="strong")
    return int(groups), group.astype(np.int64)


def _handed_on(made: _Reduced, others: Ints, customer: Ints, most: Floats) -> sp.csr_matrix | None:
    """The other rows without the columns u that only hand a load on: sum a x <= b u and d u <= c y become one row.

    The first of the two is left empty. None where a column that is neither served nor whole does anything else, or
    may bind by its own upper bound; `most`: the most of each column.
    """
    middle = ~made.whole & (customer < 0)
    if (made.cost[middle] != 0).any():
        return None
    rows = sp.csr_matrix(made.rows[others])
    at_once = (made.high[others] == 0) & np.isneginf(made.low[others])
    columns, entries = rows.tocsc(), rows.tocoo()
    hand, share = np.arange(rows.shape[0]), np.ones(rows.shape[0])
    for u in np.flatnonzero(middle & (np.diff(columns.indptr) > 0)).tolist():
        span = slice(columns.indptr[u], columns.indptr[u + 1])
        at, value = columns.indices[span], columns.data[span]
        into, out = at[value < 0], at[value > 0]
        if len(into) != 1 or len(out) > 1 or not at_once[at].all():
            return None
        line = rows[int(into[0])]
        carried = line.data > 0
        needed = float(line.data[carried] @ most[line.indices[carried]]) / float(-value[value < 0][0])
        if needed > made.upper[u] * (1 + SAME) or int((~carried).sum()) != 1:
            return None
        hand[into[0]] = out[0] if len(out) else -1
        share[into[0]] = float(value[value > 0][0]) / float(-value[value < 0][0]) if len(out) else 0.0
    stays = ~middle[entries.col] & (hand[entries.row] >= 0)
    row, col = hand[entries.row[stays]], entries.col[stays]
    return sp.csr_matrix((entries.data[stays] * share[entries.row[stays]], (row, col)), shape=rows.shape)


def _matched(form: Form, made: _Reduced, asked: Ints) -> Location | None:
    """Every row as one of the rows above, or None."""
    demand = made.rows[asked].tocoo()
    customer, most = np.full(len(made.cost), -1), np.where(made.whole, 1.0, made.upper)
    customer[demand.col] = demand.row
    most[demand.col] = made.low[asked][demand.row] / demand.data
    others = np.setdiff1d(np.arange(made.rows.shape[0]), asked)
    x = demand.col
    if not len(x) or len(np.unique(x)) < len(x) or made.lower[x].any() or (made.upper[x] < most[x] * (1 - SAME)).any():
        return None
    rows = _handed_on(made, others, customer, most)
    return None if rows is None else _sorted(form, made, rows, others, customer, most)


def _sorted(form: Form, made: _Reduced, rows: sp.csr_matrix, others: Ints, customer: Ints, most: Floats
            ) -> Location | None:
    """Rows as those of open places, of room, and of the number of places; None where one is none of them."""
    low, high = made.low[others], made.high[others]
    entries = rows.tocoo()
    is_whole = made.whole[entries.col]
    wholes = np.bincount(entries.row[is_whole], minlength=len(low))
    served = np.bincount(entries.row[~is_whole], minlength=len(low))
    signs = np.where(is_whole, -1.0, 1.0) * entries.data
    mixed = (wholes == 1) & (served > 0)
    counting = (wholes > 0) & (served == 0)
    if (mixed | counting)[wholes + served > 0].sum() < (wholes + served > 0).sum():
        return None
    if np.any(high[mixed] != 0) or np.any(np.isfinite(low[mixed])) or np.any(signs[mixed[entries.row]] <= 0):
        return None
    behind, give = np.full(len(low), -1), np.zeros(len(low))
    behind[entries.row[is_whole]] = entries.col[is_whole]
    give[entries.row[is_whole]] = -entries.data[is_whole]
    single = mixed & (served == 1)
    one = single[entries.row] & ~is_whole
    x, at = entries.col[one], entries.row[one]
    link = entries.data[one] * most[x] <= give[at] * (1 + SAME)
    place = np.full(len(customer), -1)
    place[x[link]] = behind[at[link]]
    room_rows = mixed.copy()
    room_rows[at[link]] = False
    number = _number_of_places(rows, counting, low, high, made)
    if number is None or (place[customer >= 0] < 0).any():
        return None
    return _filled(form, made, rows, (room_rows, behind, give), (customer, most, place), number)


def _number_of_places(
    rows: sp.csr_matrix, counting: NDArray[np.bool_], low: Floats, high: Floats, made: _Reduced
) -> tuple[int, int] | None:
    """(fewest, most) places, from rows that hold all whole columns with one common coefficient; else None."""
    total, fewest, most = int(made.whole.sum()), 0, int(made.whole.sum())
    for row in np.flatnonzero(counting).tolist():
        held = rows[row].data
        if len(held) != total or np.any(np.abs(held - held[0]) > SAME * np.abs(held[0])):
            return None
        sides = sorted((float(low[row] / held[0]), float(high[row] / held[0])))
        fewest = max(fewest, int(np.ceil(max(sides[0], 0.0) - 1e-6)))
        most = min(most, int(np.floor(min(sides[1], float(total)) + 1e-6)))
    return fewest, most


def _filled(
    form: Form, made: _Reduced, rows: sp.csr_matrix, rooms: tuple[NDArray[np.bool_], Ints, Floats],
    served: tuple[Ints, Floats, Ints], number: tuple[int, int],
) -> Location | None:
    """The location problem in its own numbering; None where a load differs by more than a factor from place to place,
    or a customer reaches a place in two ways."""
    room_rows, behind, give = rooms
    customer, most, place = served
    wholes = np.flatnonzero(made.whole)
    own = np.full(len(made.cost), -1)
    own[wholes] = np.arange(len(wholes))
    x = np.flatnonzero(customer >= 0)
    shape = (len(wholes), int(customer.max()) + 1)
    flat = own[place[x]] * shape[1] + customer[x]
    if len(np.unique(flat)) < len(flat):
        return None
    cost = np.full(shape, np.inf)
    cost[own[place[x]], customer[x]] = made.cost[x] * most[x]
    loads = np.zeros(shape)
    room = np.full(shape[0], np.inf)
    if len(np.unique(behind[room_rows])) < int(room_rows.sum()):
        return None
    for row in np.flatnonzero(room_rows).tolist():
        line = rows[row]
        inside = line.indices[~made.whole[line.indices]]
        if (place[inside] != behind[row]).any():
            return None
        j = own[behind[row]]
        loads[j, customer[inside]] = line.data[~made.whole[line.indices]] * most[inside]
        room[j] = give[row]
    load = _common(loads, room, np.isfinite(cost))
    if load is None:
        return None
    columns = np.where(form.integer & (form.upper > form.lower), own[made.group], -1)
    room = room / np.where(np.isfinite(room), _scale(loads, load), 1.0)
    return Location(made.cost[wholes], cost, load, room, *number, columns, made.constant)


def _scale(loads: Floats, load: Floats) -> Floats:
    """(m,): by which factor a place counts loads more than `load` does."""
    at = int(np.argmax(load))
    return np.where(loads[:, at] > 0, loads[:, at] / max(load[at], 1e-300), 1.0)


def _common(loads: Floats, room: Floats, allowed: NDArray[np.bool_]) -> Floats | None:
    """(n,): what each customer takes of any place's room, up to a factor of the place; None where there is no such."""
    limited = np.flatnonzero(np.isfinite(room))
    if not len(limited):
        return np.zeros(loads.shape[1])
    if not allowed[limited].all():
        return None
    load = loads[limited[0]]
    if load.max() <= 0:
        return None
    expected = np.outer(_scale(loads, load)[limited], load)
    return load if np.allclose(loads[limited], expected, rtol=1e-9, atol=1e-9 * load.max()) else None
