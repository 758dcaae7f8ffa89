"""Network loading: a network whose traffic costs nothing, so that only what is lit decides.

Flows can then be left out: what may be lit is
    x whole within its bounds,   rows over x alone,   and the rooms that x lights carry the traffic.
The last is a linear program for given x (`Router`), and its multipliers mu >= 0 of the rooms give a row over x:
    sum_r mu[r] * ( existing[r] + sum_c capacity[r,c] x[c] )  >=  rho  =  sum_{k} demand[k] * shortest way of k under mu
a metric inequality; all of them say that x carries the traffic (Iri 1971; Onaga & Kakusho 1971).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.problem import Problem
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine
from capacity.solving.networks import BALANCE, ROOMS, Network, networks, rules_of
from capacity.solving.separation import RULE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARE = "a_module_carries_no_more_than_all_of_a_flow"
"""Holds by itself where modules are whole."""
SMALL = 1e-9
MOST_LIT = 1.0
"""Modules of a link up to which flows are left out. Rows that refuse a choice say that one of few links must rise;
where links are lit once or not that is all there is to say (zib54), else cuts with flows bound better (germany50)."""


@dataclass(frozen=True)
class Loading:
    """The program over what is lit.

    `columns` (n,): its columns in the whole program; `network`: the network, its suppliers numbered by `columns`;
    `cost`, `lower`, `upper`, `integer` (n,); `rows` (m, n) with `row_lower`, `row_upper`: what binds them apart from
    traffic; `rooms` (rooms, n): capacity that each column adds to each room.
    """

    columns: Ints
    network: Network
    cost: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    rows: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    rooms: sp.csr_matrix

    @property
    def adds(self) -> NDArray[np.bool_]:
        """(n,): whether a column adds room."""
        return np.asarray(self.rooms.getnnz(axis=0) > 0)

    def lit(self, x: Floats) -> Floats:
        """(rooms,) capacity that a choice lights, with what exists."""
        return np.asarray(self.network.existing + self.rooms @ x)

    def allowed(self, x: Floats) -> bool:
        """Whether a choice keeps its bounds and the rows apart from traffic."""
        value, room = self.rows @ x, 1e-7
        within = np.all(x >= self.lower - room) and np.all(x <= self.upper + room)
        return bool(within and np.all(value >= self.row_lower - room) and np.all(value <= self.row_upper + room))

    def whole(self, x: Floats, columns: int) -> Floats:
        """The choice as a point of the whole program, without flows."""
        point = np.zeros(columns)
        point[self.columns] = x
        return point


def loading_of(problem: Problem, form: Form, cost: Floats) -> Loading | None:
    """The program as network loading; None unless it is one, with one size of modules, `MOST_LIT` of them a link.

    Otherwise rows over flows and modules together do better (measured: docs/performance.md).
    """
    found = networks(problem, form)
    if len(found) != 1:
        return None
    network = found[0]
    sizes = np.unique(network.supplier_capacity)
    flow, supplier = np.zeros(form.columns, dtype=bool), np.zeros(form.columns, dtype=bool)
    flow[network.arc_column], supplier[network.supplier_column] = True, True
    if len(sizes) != 1 or not network.supplier_whole.all() or np.any(cost[flow]) or form.integer[flow].any():
        return None
    if np.any(form.upper[supplier] > MOST_LIT) or not _only_traffic(form, flow, supplier):
        return None
    columns = np.flatnonzero(~flow)
    number = np.full(form.columns, -1, dtype=np.int64)
    number[columns] = np.arange(len(columns))
    alone = np.flatnonzero(np.asarray(abs(form.matrix) @ flow.astype(float)).ravel() == 0)
    own = number[network.supplier_column]
    rooms = sp.csr_matrix((network.supplier_capacity, (network.supplier_room, own)),
                          shape=(network.rooms, len(columns)))
    return Loading(
        columns, _renumbered(network, own), cost[columns], form.lower[columns], form.upper[columns],
        form.integer[columns], sp.csr_matrix(form.matrix[alone][:, columns]), form.row_lower[alone],
        form.row_upper[alone], rooms,
    )


def _renumbered(network: Network, suppliers: Ints) -> Network:
    given = {name: getattr(network, name) for name in network.__dataclass_fields__}
    return Network(**{**given, "supplier_column": suppliers})


def _only_traffic(form: Form, flow: NDArray[np.bool_], supplier: NDArray[np.bool_]) -> bool:
    """Whether flows stand in no rows but those of a network, and these hold nothing else than flows and suppliers."""
    size = abs(form.matrix)
    with_flow = np.asarray(size @ flow.astype(float)).ravel() > 0
    other = np.asarray(size @ (~flow & ~supplier).astype(float)).ravel() > 0
    lights = np.asarray(size @ supplier.astype(float)).ravel() > 0
    rule = rules_of(form)
    balance, room = rule == BALANCE, np.isin(rule, ROOMS)
    known = balance | room | np.isin(rule, (SHARE, RULE))
    return bool(
        np.all(known[with_flow]) and not (other & (balance | room)).any() and not (lights & balance).any()
        and np.all(form.row_lower[balance] == form.row_upper[balance]) and np.all(with_flow[balance])
        and np.all(form.lower[flow] <= 0)
    )


@dataclass
class Router:
    """How much traffic the rooms lack: least sum of what they would have to be wider by, and its multipliers."""

    network: Network
    demand: Floats = field(init=False)
    machine: Machine = field(init=False)
    room_rows: Ints = field(init=False)

    def __post_init__(self) -> None:
        net = self.network
        self.demand = net.demand()
        flows, arcs, rooms, places = len(net.source), len(net.arc_column), net.rooms, net.places
        arc, room = np.arange(arcs), np.arange(rooms)
        self.room_rows = flows * places + room
        rows = np.concatenate([net.arc_flow * places + net.arc_toward, net.arc_flow * places + net.arc_back,
                               self.room_rows[net.arc_room], self.room_rows])
        ones = np.concatenate([np.ones(arcs), -np.ones(arcs), np.ones(arcs), -np.ones(rooms)])
        columns = np.concatenate([arc, arc, arc, arcs + room])
        matrix = sp.csr_matrix((ones, (rows, columns)), shape=(flows * places + rooms, arcs + rooms))
        arriving = np.zeros((flows, places))
        np.add.at(arriving, (net.sink_flow, net.sink_place), net.sink_amount)
        lower, upper = arriving.copy(), arriving.copy()
        at_source = (np.arange(flows), net.source)
        lower[at_source], upper[at_source] = -np.inf, np.inf
        self.machine = Machine(
            matrix, np.concatenate([lower.ravel(), np.full(rooms, -np.inf)]),
            np.concatenate([upper.ravel(), np.zeros(rooms)]), 1, np.concatenate([np.zeros(arcs), np.ones(rooms)]),
        )

    def lacks(self, lit: Floats) -> tuple[float, Floats]:
        """(what is lacking, the rooms' multipliers); (0, zeros) where the traffic is carried. `lit` (rooms,)."""
        self.machine.set_sides(self.room_rows, np.full(len(lit), -np.inf), lit)
        answer = self.machine.run(Deadline(), {"solver": "simplex"})
        if answer.status != "optimal" or answer.row_dual is None:
            raise RuntimeError(f"routing traffic over given rooms ended as {answer.status!r}")
        if answer.objective <= 1e-7 * max(1.0, float(self.demand.sum())):
            return 0.0, np.zeros(len(lit))
        multiplier = np.maximum(-answer.row_dual[self.room_rows], 0.0)
        return answer.objective, np.where(multiplier < SMALL, 0.0, multiplier)

    def least(self, multiplier: Floats) -> float:
        """rho: what the traffic costs over its shortest ways where a room costs its multiplier."""
        net = self.network
        far = np.full((net.places, net.places), np.inf)
        np.minimum.at(far, (net.arc_back, net.arc_toward), multiplier[net.arc_room])
        np.fill_diagonal(far, 0.0)
        for place in range(net.places):
            far = np.minimum(far, far[:, place, None] + far[place])
        asked = self.demand > 0
        return float((far[asked] * self.demand[asked]).sum())
