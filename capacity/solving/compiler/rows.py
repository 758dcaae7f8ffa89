"""Rows and goals of a model, from its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyomo.core.expr as expressions
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.relational_expr import tuple_to_relational_expr

from capacity.solving.compiler.columns import MISUSE, Columns, Floats, said
from capacity.solving.compiler.frames import Frame
from capacity.solving.compiler.nodes import RecordingError, Term, variable_free
from capacity.solving.compiler.record import Way

Placed = tuple[NDArray[Any], NDArray[Any] | None, Any]
"""Row positions, columns (None: a constant), coefficients."""


class Rows(NamedTuple):
    """Rows of one rule: which positions of its space stand, their sides, and their terms (row, column, coefficient)."""

    standing: NDArray[Any] | None
    lower: Floats
    upper: Floats
    terms: list[tuple[NDArray[Any], NDArray[Any], Any]]


def recorded_rows(columns: Columns, constraint: Any) -> Rows:
    """All rows of a rule at once. Raises RecordingError with its name."""
    if constraint.rule is None or any(not row.active for row in constraint._data.values()):
        raise RecordingError(f"{constraint.name}: it is stated row by row")
    size = columns.space(constraint).size
    lower, upper = np.full(size, -np.inf), np.full(size, np.inf)
    constant, stands = np.zeros(size), np.zeros(size, dtype=bool)
    terms: list[tuple[NDArray[Any], NDArray[Any], Any]] = []
    for way in columns.ways(constraint, constraint.rule):
        result = tuple_to_relational_expr(way.result) if isinstance(way.result, tuple) else way.result
        if result is pyo.Constraint.Skip or result is pyo.Constraint.Feasible:
            continue
        if way.only is None:
            stands[way.span] = True
            _sides(columns, constraint, result, way, lower, upper)
        for row, column, coefficient in placed(columns, constraint, _body(result), way):
            if column is None:
                np.add.at(constant, row, coefficient)
            else:
                terms.append((row, column, coefficient))
    lower, upper = lower - constant, upper - constant
    if stands.all():
        return Rows(None, lower, upper, terms)
    standing, number = np.flatnonzero(stands), np.cumsum(stands) - 1
    return Rows(standing, lower[standing], upper[standing], [(number[r], c, v) for r, c, v in terms])


def _sides(columns: Columns, constraint: Any, result: Any, way: Way, lower: Floats, upper: Floats) -> None:
    number = columns.evaluator.number
    if isinstance(result, expressions.EqualityExpression):
        lower[way.span] = upper[way.span] = 0.0
    elif isinstance(result, expressions.RangedExpression):
        lower[way.span] = number(result.arg(0), way.frame)
        upper[way.span] = number(result.arg(2), way.frame)
    elif isinstance(result, expressions.InequalityExpression):
        (lower if _turned(result) else upper)[way.span] = 0.0
    else:
        raise RecordingError(f"{constraint.name}: it gives {result!r}, which is neither an equation nor an inequality")


def _body(result: Any) -> list[tuple[Any, float]]:
    """Parts of the body with their signs."""
    if isinstance(result, expressions.RangedExpression):
        return [(result.arg(1), 1.0)]
    sign = -1.0 if _turned(result) else 1.0
    return [(result.arg(0), sign), (result.arg(1), -sign)]


def _turned(result: Any) -> bool:
    """Whether the variables stand on the right-hand side alone, as Pyomo writes x >= 1."""
    return variable_free(result.arg(0)) and not variable_free(result.arg(1))


def placed(columns: Columns, component: Any, body: list[tuple[Any, float]], way: Way) -> Iterator[Placed]:
    """Every term of one way with the positions of its rows; rows that went another way left out."""
    try:
        for part, sign in body:
            for term in columns.evaluator.terms(part, way.frame, sign, way.only):
                yield _at_rows(term, way)
    except MISUSE as error:
        raise RecordingError(f"{component.name}: {said(error)}") from error
    except RecordingError as error:
        raise RecordingError(f"{component.name}: {error}") from error


def _at_rows(term: Term, way: Way) -> Placed:
    root = term.frame.outermost()
    rows, column, coefficient = root.positions, term.column, term.coefficient
    assert rows is not None
    if term.frame is not root:
        pointer = term.frame.pointer(root)
        rows = pointer if root.whole else rows[pointer]
    if root is not way.frame:  # summed before the rule asked about its index
        kept = np.flatnonzero(np.isin(rows, way.rows))
        rows, column = rows[kept], None if column is None else column[kept]
        coefficient = coefficient[kept] if isinstance(coefficient, np.ndarray) else coefficient
    return rows, column, coefficient


def spelled_rows(columns: Columns, constraint: Any) -> Rows:
    """The rows of a constraint one by one, each from its own expression."""
    constraint.construct()
    active = [(index, row) for index, row in constraint.items() if row.active]
    lower, upper = np.full(len(active), -np.inf), np.full(len(active), np.inf)
    one, terms = Frame(1), []
    for at, (_, row) in enumerate(active):
        low, body, high = row.to_bounded_expression(evaluate_bounds=True)
        lower[at] = -np.inf if low is None else low
        upper[at] = np.inf if high is None else high
        for term in columns.evaluator.terms(body, one, 1.0):
            if term.column is None:
                lower[at] -= term.coefficient
                upper[at] -= term.coefficient
            else:
                terms.append((at, int(term.column[0]), float(term.coefficient)))
    standing = np.array([_single(columns, constraint, index) for index, _ in active], dtype=np.int64)
    placed_terms = [tuple(np.array(part) for part in zip(*terms, strict=True))] if terms else []
    return Rows(standing, lower, upper, placed_terms)  # type: ignore[arg-type]


def _single(columns: Columns, constraint: Any, index: Any) -> int:
    return columns.evaluator.single(constraint.index_set(), index) if constraint.is_indexed() else 0


def goal(columns: Columns, objective: Any, row_by_row: bool = False) -> tuple[Floats, float]:
    """(cost of every column, constant part), to be minimised."""
    if objective.is_indexed():
        raise RecordingError(f"{objective.name}: a goal has no indices")
    try:
        return _goal(columns, objective, columns.ways(objective, objective.rule))
    except RecordingError as error:
        if not row_by_row:
            raise
        columns.slow[objective.name] = str(error)
        spelled = objective.rule(objective.parent_block(), None)
        return _goal(columns, objective, iter([Way(spelled, Frame(1), None)]))


def _goal(columns: Columns, objective: Any, ways: Iterator[Way]) -> tuple[Floats, float]:
    cost, offset = np.zeros(len(columns.lower)), 0.0
    for way in ways:
        for rows, column, coefficient in placed(columns, objective, [(way.result, 1.0)], way):
            given = np.broadcast_to(coefficient, rows.shape)
            if column is None:
                offset += float(given.sum())
            elif len(column):
                low = int(column.min())
                here = np.bincount(column - low, given)
                cost[low : low + len(here)] += here
    sign = 1.0 if objective._init_sense(objective.parent_block(), None) == pyo.minimize else -1.0
    return sign * cost, sign * offset
