"""Several futures of one problem in one program: decisions made before a future is known are the same in all of them.

    min  (1 - risk) sum_k w[k] cost_k(x_k)  +  risk (eta + 1 / (1 - alpha) sum_k w[k] excess[k])
    excess[k] >= cost_k(x_k) - eta                                              each future k, where risk > 0
    rows of future k hold for x_k;  x_k = x_l in every decision made while k and l cannot be told apart

The extensive form (Birge and Louveaux, Introduction to Stochastic Programming, chapter 2) with CVaR as a linear program
(Rockafellar and Uryasev 2000). Equal decisions are one column, not two and a row. The least greatest regret is the same
with `worst >= cost_k(x_k) - best_k` in the place of CVaR.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.errors import InfeasibleError, InputError, LimitError
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine
from capacity.solving.keepsake import names_of
from capacity.solving.options import Options

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Together:
    """The program of all futures. `at[k]` are the positions of future k's columns."""

    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    cost: Floats
    offset: float
    at: tuple[Ints, ...]


@dataclass(frozen=True)
class Outcome:
    """A solved program: each future's point on its own form's columns, the objective and its bound."""

    points: tuple[Floats, ...]
    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """Relative gap."""
        return max(0.0, self.objective - self.bound) / max(abs(self.objective), 1e-9)


def together(
    forms: Sequence[Form], goal: str, weights: Sequence[float], nodes: Sequence[Mapping[int, Hashable]],
    risk: float = 0.0, alpha: float = 0.9, regret_against: Sequence[float] | None = None,
) -> Together:
    """Stack futures. `nodes[k]` gives, for a column of future k that is decided before all is known, its node.

    Columns of one name in one node are one column. risk in 0..1 mixes expected cost and CVaR at `alpha`;
    `regret_against` (the best cost of each future) asks for the least greatest regret instead.
    """
    at, count = _positions(forms, nodes)
    costs = [_spread(form.cost[goal], where, count) for form, where in zip(forms, at, strict=True)]
    offsets = np.array([form.offset[goal] for form in forms])
    share = np.array(weights, dtype=float)
    lower, upper = np.full(count, -np.inf), np.full(count, np.inf)
    integer = np.zeros(count, dtype=bool)
    for form, where in zip(forms, at, strict=True):
        lower[where], upper[where] = np.maximum(lower[where], form.lower), np.minimum(upper[where], form.upper)
        integer[where] |= form.integer
    if bool(np.any(lower > upper + 1e-9)):
        raise InfeasibleError("the futures leave no common decision: what one forbids another needs")
    matrix = _below(*(_moved(form.matrix, where, count) for form, where in zip(forms, at, strict=True)))
    whole = Together(
        matrix, np.concatenate([f.row_lower for f in forms]), np.concatenate([f.row_upper for f in forms]), lower,
        upper, integer, sum((w * c for w, c in zip(share, costs, strict=True)), np.zeros(count)),
        float(share @ offsets), at)
    if regret_against is not None:
        return _worst(whole, costs, offsets - np.array(regret_against, dtype=float))
    return _averse(whole, costs, offsets, share, risk, alpha) if risk > 0 else whole


def _positions(forms: Sequence[Form], nodes: Sequence[Mapping[int, Hashable]]) -> tuple[tuple[Ints, ...], int]:
    shared: dict[Hashable, int] = {}
    at, count = [], 0
    for form, node in zip(forms, nodes, strict=True):
        names = names_of(form)[0]
        where = np.empty(form.columns, dtype=np.int64)
        own = np.ones(form.columns, dtype=bool)
        for column, key in node.items():
            whole = (int(names[column]), key)
            if whole not in shared:
                shared[whole], count = count, count + 1
            where[column], own[column] = shared[whole], False
        where[own] = np.arange(count, count + int(own.sum()))
        count += int(own.sum())
        at.append(where)
    return tuple(at), count


def _beside(*blocks: Any) -> sp.csr_matrix:
    stacked: Any = sp.hstack([sp.csr_matrix(block) for block in blocks])
    return sp.csr_matrix(stacked)


def _below(*blocks: Any) -> sp.csr_matrix:
    stacked: Any = sp.vstack([sp.csr_matrix(block) for block in blocks])
    return sp.csr_matrix(stacked)


def _spread(values: Floats, where: Ints, count: int) -> Floats:
    out = np.zeros(count)
    np.add.at(out, where, values)
    return out


def _moved(matrix: sp.csr_matrix, where: Ints, count: int) -> sp.csr_matrix:
    own = sp.csr_matrix(matrix)
    return sp.csr_matrix((own.data, where[own.indices], own.indptr), shape=(own.shape[0], count))


def _averse(whole: Together, costs: Sequence[Floats], offsets: Floats, share: Floats, risk: float, alpha: float
            ) -> Together:
    """Columns eta and one excess a future; a row for each future."""
    if not (0 <= risk <= 1 and 0 <= alpha < 1):
        raise InputError(f"risk {risk:g} must be from 0 to 1 and alpha {alpha:g} from 0 to below 1")
    futures = len(costs)
    excess = _beside(-np.array(costs), np.ones((futures, 1)), np.eye(futures))
    count = 1 + futures
    tail = np.concatenate([[1.0], share / (1 - alpha)]) * risk
    return _with_rows(whole, excess, offsets, np.concatenate([(1 - risk) * whole.cost, tail]),
                      (1 - risk) * whole.offset, np.concatenate([[-np.inf], np.zeros(futures)]), count)


def _worst(whole: Together, costs: Sequence[Floats], above: Floats) -> Together:
    """A column for the greatest regret, and a row for each future."""
    rows = _beside(-np.array(costs), np.ones((len(costs), 1)))
    goal = np.concatenate([np.zeros(len(whole.cost)), [1.0]])
    return _with_rows(whole, rows, above, goal, 0.0, np.array([-np.inf]), 1)


def _with_rows(whole: Together, rows: sp.csr_matrix, at_least: Floats, cost: Floats, offset: float, low: Floats,
               columns: int) -> Together:
    wide = _beside(whole.matrix, sp.csr_matrix((whole.matrix.shape[0], columns)))
    return Together(
        _below(wide, rows), np.concatenate([whole.row_lower, at_least]),
        np.concatenate([whole.row_upper, np.full(len(at_least), np.inf)]), np.concatenate([whole.lower, low]),
        np.concatenate([whole.upper, np.full(columns, np.inf)]),
        np.concatenate([whole.integer, np.zeros(columns, dtype=bool)]), cost, offset, whole.at)


def solve_together(program: Together, options: Options) -> Outcome:
    """Solve the program by HiGHS. Raises InfeasibleError, and LimitError where time ran out before any plan."""
    machine = Machine(program.matrix, program.row_lower, program.row_upper, options.threads)
    machine.set_bounds(program.lower, program.upper)
    machine.set_integer(program.integer)
    machine.set_cost(program.cost, program.offset)
    settings = {"mip_rel_gap": options.gap, "mip_abs_gap": 1e-9, "solver": "choose"}
    answer = machine.run(Deadline(options.time_limit), settings)
    if answer.status == "infeasible":
        raise InfeasibleError("no decision before the futures part can meet what every one of them requires")
    if answer.x is None:
        raise LimitError(f"no plan for all futures was found within {options.time_limit:g} s; allow more time")
    x = answer.x
    value = float(program.cost @ x) + program.offset
    return Outcome(tuple(x[where] for where in program.at), value, min(float(answer.bound), value))
