"""Columns of a model: every variable's place, bounds and integrality, from its rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.common.errors import PyomoException
from pyomo.core.base.initializer import ConstantInitializer

from capacity.solving.compiler.evaluate import Evaluator
from capacity.solving.compiler.nodes import RecordingError
from capacity.solving.compiler.record import Way, ways
from capacity.solving.compiler.spaces import Space, Spaces

Floats = NDArray[np.float64]

MISUSE = (PyomoException, TypeError, KeyError, AttributeError, ValueError, IndexError)
"""What Python and Pyomo raise when a rule treats a placeholder as a plain value."""


@dataclass(frozen=True)
class Block:
    """Columns of one variable or rows of one rule: the first, the index space, and which of its positions stand
    (None: all)."""

    first: int
    space: Space
    standing: NDArray[Any] | None

    @property
    def size(self) -> int:
        """How many there are."""
        return self.space.size if self.standing is None else len(self.standing)

    def index(self, at: int) -> Any:
        """The index of the at-th."""
        return self.space.index(at if self.standing is None else int(self.standing[at]))


class Columns:
    """All columns of a model, in the order its variables are declared in."""

    def __init__(self, model: Any, row_by_row: bool = False) -> None:
        self.spaces = Spaces()
        self.slow: dict[str, str] = {}
        self.first: dict[int, int] = {}
        self.variables: dict[str, Block] = {}
        found, count = list(model.component_objects(pyo.Var)), 0
        for variable in found:
            space = self.space(variable)
            self.first[id(variable)] = count
            self.variables[variable.name] = Block(count, space, None)
            count += space.size
        self.lower, self.upper = np.full(count, -np.inf), np.full(count, np.inf)
        self.integer = np.zeros(count, dtype=bool)
        self.evaluator = Evaluator(
            self.spaces, lambda v: (self.first[id(v)], v.index_set()), lambda: (self.lower, self.upper)
        )
        for variable in found:
            try:
                self._domain(variable)
                self._bounds(variable)
            except RecordingError as error:
                if not row_by_row:
                    raise
                self.slow[variable.name] = str(error)
                self._one_by_one(variable)
            self._as_set(variable)

    def space(self, component: Any) -> Space:
        """The index space of a component; of one without indices, a single row."""
        return self.spaces.space(component.index_set()) if component.is_indexed() else Space(())

    def ways(self, component: Any, rule: Any) -> Iterator[Way]:
        """Every way a component's rule goes; a constant is one way. Raises RecordingError with the component's name."""
        parent, space = component.parent_block(), self.space(component)
        if not space.size:
            return
        try:
            if rule.contains_indices():
                raise RecordingError("it is stated row by row")
            if isinstance(rule, ConstantInitializer):
                yield Way(rule(parent, None), space.root([object() for _ in range(space.width)]), None)
            else:
                yield from ways(self.evaluator, lambda index: rule(parent, index), space)
        except MISUSE as error:
            raise RecordingError(f"{component.name}: {said(error)}") from error
        except RecordingError as error:
            raise RecordingError(f"{component.name}: {error}") from error

    def _domain(self, variable: Any) -> None:
        for way in self.ways(variable, variable._rule_domain._set):
            low, high, step = way.result.get_interval()
            if step not in (0, 1):
                raise RecordingError(f"{variable.name}: its domain {way.result} is neither continuous nor whole")
            at = self._at(variable, way)
            self.lower[at] = -np.inf if low is None else low
            self.upper[at] = np.inf if high is None else high
            self.integer[at] = step == 1

    def _at(self, variable: Any, way: Way) -> Any:
        """What takes the columns of a way out of an array of all."""
        first = self.first[id(variable)]
        return slice(first, first + way.frame.size) if way.frame.whole else first + way.rows

    def _bounds(self, variable: Any) -> None:
        if variable._rule_bounds is None:
            return
        number = self.evaluator.number
        for way in self.ways(variable, variable._rule_bounds._initializer):
            low, high = way.result if isinstance(way.result, tuple | list) else (way.result, way.result)
            at = self._at(variable, way)
            if low is not None:
                self.lower[at] = np.maximum(self.lower[at], number(low, way.frame))
            if high is not None:
                self.upper[at] = np.minimum(self.upper[at], number(high, way.frame))

    def _one_by_one(self, variable: Any) -> None:
        """Domain and bounds of each column from its own object."""
        for index in variable.index_set():
            variable[index]  # Pyomo makes a column's object when it is asked for

    def _as_set(self, variable: Any) -> None:
        """What was changed on single columns afterwards."""
        first = self.first[id(variable)]
        for index, data in variable._data.items():
            at = first + (self.evaluator.single(variable.index_set(), index) if variable.is_indexed() else 0)
            self.lower[at] = data.value if data.fixed else -np.inf if data.lb is None else data.lb
            self.upper[at] = data.value if data.fixed else np.inf if data.ub is None else data.ub
            self.integer[at] = not data.is_continuous()


def said(error: BaseException) -> str:
    """The first line of what an error says, with its kind."""
    text = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text[:200]}"
