"""The network inside a compiled program: rooms that carry traffic, what may widen them, flows that must arrive.

Read from the rows, so that whatever other columns the formulation puts into them is seen:
    sum of flows + what else is carried  <=  existing + sum_c capacity[c] * x[c]    a room: a link, or one direction
    sum_in flow - sum_out flow  =  amount + what else arrives                       a balance of one flow at a place
A room is an edge with a direction or two. One network stands for each period and slice that has flows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.compile import Form
from capacity.solving.labels import RowNames

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROOMS = ("lit_modules_carry_the_traffic", "lit_modules_carry_each_direction")
BALANCE = "what_arrives_stays_or_goes_on"


@dataclass(frozen=True)
class Network:
    """Rooms, suppliers, arcs and flows of one period and slice.

    `ends` (rooms, 2): places; `onward`, `homeward`: whether a room carries traffic from its first end to its second,
    and back; `existing` (rooms,): capacity that stands. `supplier_*`: columns that widen a room, by how much, whether
    whole.
    `arc_*`: columns of flow, their flow, room and places. `source` (flows,); `sink_*`: what must arrive at least.
    """

    places: int
    ends: Ints
    onward: Flags
    homeward: Flags
    existing: Floats
    supplier_column: Ints
    supplier_room: Ints
    supplier_capacity: Floats
    supplier_whole: Flags
    arc_column: Ints
    arc_flow: Ints
    arc_room: Ints
    arc_back: Ints
    arc_toward: Ints
    source: Ints
    sink_flow: Ints
    sink_place: Ints
    sink_amount: Floats

    @property
    def rooms(self) -> int:
        """Number of rooms."""
        return len(self.existing)

    def demand(self) -> Floats:
        """(places, places): what must go from one place to another, all flows together."""
        total = np.zeros((self.places, self.places))
        np.add.at(total, (self.source[self.sink_flow], self.sink_place), self.sink_amount)
        return total

    def by_room(self, values: Floats) -> Floats:
        """Sum over each room's suppliers of a value for each supplier; shape (rooms,)."""
        return np.asarray(np.bincount(self.supplier_room, values, self.rooms), dtype=float)


def networks(problem: Problem, form: Form) -> list[Network]:
    """The networks of a program; none where no flow meets a room that can be widened by whole numbers."""
    flows, (columns, index) = problem.table("flows"), form.labels.get("flow", (np.zeros(0, dtype=np.int64), []))
    if not len(columns) or not form.integer.any():
        return []
    place = {name: at for at, name in enumerate(problem.table("places")["place"])}
    link = problem.table("links").set_index("link")
    arcs = pd.DataFrame([tuple(i) for i in index], columns=["flow", "link", "toward"]).assign(column=columns)
    first, last = arcs["link"].map(link["from"]), arcs["link"].map(link["to"])
    arcs["back"] = np.where(arcs["toward"] == last, first, last)
    arcs["toward"], arcs["back"] = arcs["toward"].map(place), arcs["back"].map(place)
    rule = rules_of(form)
    arcs["row"] = _room_of(form, np.flatnonzero(np.isin(rule, ROOMS)), arcs["column"].to_numpy())
    sinks = _arrivals(form, np.flatnonzero(rule == BALANCE), arcs)
    out = []
    for _, members in flows.groupby(["period", "slice"], sort=True):
        here = arcs[arcs["flow"].isin(members["flow"]) & (arcs["row"] >= 0)]
        source = members.set_index("flow")["source"].map(place)
        wanted = sinks[sinks["flow"].isin(members["flow"])]
        if len(here) and len(wanted):
            out.append(_network(form, len(place), here, source, wanted))
    return [n for n in out if n.supplier_whole.any() and (form.lower[n.supplier_column] >= 0).all()]


def rules_of(form: Form) -> NDArray[np.object_]:
    """(rows,): the rule that each row is of; rows as they were compiled are not asked for their names one by one."""
    names = form.row_names
    if isinstance(names, RowNames):
        blocks = names.blocks.values()
        return np.repeat(np.array([*names.blocks], dtype=object), [block.size for block in blocks])
    return np.array([name.partition("[")[0] for name in names], dtype=object)


def _room_of(form: Form, rows: Ints, columns: Ints) -> Ints:
    """The room's row that each flow column stands in; -1 where it stands in none."""
    entries = sp.csr_matrix(form.matrix[rows]).tocoo()
    room = np.full(form.columns, -1, dtype=np.int64)
    carried = entries.data > 0
    room[entries.col[carried]] = rows[entries.row[carried]]
    return np.asarray(room[columns], dtype=np.int64)


def _arrivals(form: Form, rows: Ints, arcs: pd.DataFrame) -> pd.DataFrame:
    """Rows (flow, place, amount): what arrives at least; balances where less may arrive are left out."""
    entries = sp.csr_matrix(form.matrix[rows]).tocoo()
    number = np.full(form.columns, -1)
    number[arcs["column"]] = np.arange(len(arcs))
    known = number[entries.col] >= 0
    odd = ~known & ((entries.data > 0) | (form.lower[entries.col] < 0))
    arc, sign = number[entries.col[known]], entries.data[known]
    found = pd.DataFrame({
        "row": entries.row[known], "flow": arcs["flow"].to_numpy()[arc],
        "place": np.where(sign > 0, arcs["toward"].to_numpy()[arc], arcs["back"].to_numpy()[arc]),
    }).drop_duplicates("row")
    amount = form.row_lower[rows[found["row"]]]
    found = found.assign(amount=amount)[~found["row"].isin(entries.row[odd])]
    return found[found["amount"] > 0]


def _network(form: Form, places: int, arcs: pd.DataFrame, source: pd.Series, wanted: pd.DataFrame) -> Network:
    rows, room = np.unique(arcs["row"], return_inverse=True)
    back, toward = arcs["back"].to_numpy(dtype=np.int64), arcs["toward"].to_numpy(dtype=np.int64)
    ends = np.zeros((len(rows), 2), dtype=np.int64)
    ends[room, 0], ends[room, 1] = np.minimum(back, toward), np.maximum(back, toward)
    onward = np.bincount(room, back < toward, len(rows)) > 0
    entries = sp.csr_matrix(form.matrix[rows]).tocoo()
    widens = entries.data < 0
    flow = {name: at for at, name in enumerate(source.index)}
    return Network(
        places, ends, onward, np.bincount(room, back > toward, len(rows)) > 0, form.row_upper[rows],
        entries.col[widens].astype(np.int64), entries.row[widens].astype(np.int64), -entries.data[widens],
        form.integer[entries.col[widens]], arcs["column"].to_numpy(dtype=np.int64),
        arcs["flow"].map(flow).to_numpy(dtype=np.int64), room.astype(np.int64), back, toward,
        source.to_numpy(dtype=np.int64), wanted["flow"].map(flow).to_numpy(dtype=np.int64),
        wanted["place"].to_numpy(dtype=np.int64), wanted["amount"].to_numpy(dtype=float),
    )
