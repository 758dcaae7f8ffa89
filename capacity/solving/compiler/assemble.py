"""From a Pyomo model's rules to arrays: columns, rows, goals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from numpy.typing import NDArray

from capacity.solving.compiler.columns import Block, Columns, Floats
from capacity.solving.compiler.nodes import RecordingError
from capacity.solving.compiler.record import listening
from capacity.solving.compiler.rows import Rows, goal, recorded_rows, spelled_rows

CLOSE = 1e-9
"""How far a row without terms may miss its sides, by rounding."""


class EmptyRowError(ValueError):
    """A row without terms that cannot hold."""

    def __init__(self, rule: str, index: Any, lower: float, upper: float) -> None:
        super().__init__(f"{rule}[{index}] has no terms, and zero is not between {lower:g} and {upper:g}")
        self.rule, self.index = rule, index


@dataclass(frozen=True)
class Arrays:
    """row_lower <= matrix x <= row_upper, lower <= x <= upper; the goals are minimised, each with its constant part.

    `variables` and `rules` tell the blocks of columns and rows by name; `row_by_row` the rules that were worked out one
    row after the other, and why.
    """

    matrix: sp.csr_matrix
    row_lower: Floats
    row_upper: Floats
    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    cost: Mapping[str, Floats]
    offset: Mapping[str, float]
    variables: Mapping[str, Block]
    rules: Mapping[str, Block]
    row_by_row: Mapping[str, str] = field(default_factory=dict)


@listening()
def goals_alone(model: Any, row_by_row: bool = False) -> tuple[dict[str, Floats], dict[str, float]]:
    """(costs, constant parts) by goal, as `arrays` gives them, without any row."""
    columns = Columns(model, row_by_row)
    made = {o.name: goal(columns, o, row_by_row) for o in model.component_objects(pyo.Objective, active=True)}
    return {name: cost for name, (cost, _) in made.items()}, {name: offset for name, (_, offset) in made.items()}


@listening()
def arrays(model: Any, row_by_row: bool = False) -> Arrays:
    """Compile all active rules of a model: a RecordedModel, or any ConcreteModel that states rules.

    Raises RecordingError naming the rule that cannot be written down for all its rows at once; with `row_by_row` such a
    rule is worked out row by row instead, and listed with the reason.
    """
    columns = Columns(model, row_by_row)
    rules: dict[str, Block] = {}
    parts: list[Rows] = []
    count = 0
    for constraint in model.component_objects(pyo.Constraint, active=True):
        try:
            made = recorded_rows(columns, constraint)
        except RecordingError as error:
            if not row_by_row:
                raise
            columns.slow[constraint.name] = str(error)
            made = spelled_rows(columns, constraint)
        rules[constraint.name] = Block(count, columns.space(constraint), made.standing)
        count += len(made.lower)
        parts.append(made)
    matrix = _matrix(parts, count, len(columns.lower))
    lower = np.concatenate([np.zeros(0), *(p.lower for p in parts)])
    upper = np.concatenate([np.zeros(0), *(p.upper for p in parts)])
    filled = np.diff(matrix.indptr) > 0
    if not filled.all():
        _check_empty(rules, filled, lower, upper)
        matrix, lower, upper = matrix[filled], lower[filled], upper[filled]
        rules = _without(rules, filled)
    goals = {o.name: goal(columns, o, row_by_row) for o in model.component_objects(pyo.Objective, active=True)}
    return Arrays(
        matrix=matrix, row_lower=lower, row_upper=upper,
        lower=columns.lower, upper=columns.upper, integer=columns.integer,
        cost={name: cost for name, (cost, _) in goals.items()},
        offset={name: offset for name, (_, offset) in goals.items()},
        variables=columns.variables, rules=rules, row_by_row=columns.slow,
    )


def _check_empty(rules: Mapping[str, Block], filled: NDArray[np.bool_], lower: Floats, upper: Floats) -> None:
    """Raises EmptyRowError for the first row without terms whose sides leave out zero."""
    wrong = ~filled & ((lower > CLOSE) | (upper < -CLOSE))
    for name, block in rules.items() if wrong.any() else ():
        at = np.flatnonzero(wrong[block.first : block.first + block.size])
        if len(at):
            row = block.first + int(at[0])
            raise EmptyRowError(name, block.index(int(at[0])), float(lower[row]), float(upper[row]))


def _without(rules: Mapping[str, Block], filled: NDArray[np.bool_]) -> dict[str, Block]:
    """Blocks of the rows that have terms."""
    out, first = {}, 0
    for name, block in rules.items():
        kept = np.flatnonzero(filled[block.first : block.first + block.size])
        standing = kept if block.standing is None else block.standing[kept]
        out[name] = Block(first, block.space, standing)
        first += len(kept)
    return out


def _matrix(parts: list[Rows], rows: int, columns: int) -> sp.csr_matrix:
    """All terms as one matrix; terms of the same row and column are added up, zeros left out."""
    size = sum(len(r) for p in parts for r, _, _ in p.terms)
    row, column = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    value = np.empty(size)
    at = first = 0
    for part in parts:
        while part.terms:
            r, c, v = part.terms.pop(0)
            here = slice(at, at + len(r))
            np.add(r, first, out=row[here], casting="unsafe")
            column[here], value[here] = c, v
            at += len(r)
        first += len(part.lower)
    matrix = sp.csr_matrix((value, (row, column)), shape=(rows, columns))
    matrix.eliminate_zeros()
    return matrix
