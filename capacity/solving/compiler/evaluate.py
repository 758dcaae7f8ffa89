"""What an expression of placeholders is worth at every row of a frame: numbers, index columns, positions, terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyomo.core.expr as expressions
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import NPV_SumExpression
from pyomo.core.expr.numvalue import native_numeric_types, native_types
from pyomo.core.expr.relational_expr import EqualityExpression, InequalityExpression, NotEqualExpression
from pyomo.core.expr.template_expr import GetAttrExpression, GetItemExpression, IndexTemplate

from capacity.formulation.relations import Column, HasMembers, IsMember, Lookup, Relation
from capacity.solving.compiler.frames import Frame
from capacity.solving.compiler.nodes import RecordingError, Same, Summed, Term, variable_free
from capacity.solving.compiler.spaces import Spaces

Numbers = Any
"""One number, or an array of one per row of a frame."""

PRODUCTS = (expressions.ProductExpression, expressions.DivisionExpression)


class Evaluator:
    """Answers about expressions; `place` tells the first column and the index set of a variable."""

    def __init__(self, spaces: Spaces, place: Callable[[Any], tuple[int, Any]],
                 bounds: Callable[[], tuple[NDArray[np.float64], NDArray[np.float64]]]) -> None:
        self.spaces, self.place, self.bounds = spaces, place, bounds

    # ---- numbers ------------------------------------------------------------------------------------------------

    def number(self, e: Any, frame: Frame) -> Numbers:
        """The value of an expression without variables."""
        if e.__class__ in native_numeric_types:
            return e
        if isinstance(e, IndexTemplate | Lookup | GetItemExpression | GetAttrExpression):
            return self._looked_up(e, frame)
        if isinstance(e, Summed):
            total = np.zeros(frame.size)
            for term in self.terms(e, frame, 1.0):
                if term.column is not None:
                    raise RecordingError("a variable stands where a number is needed")
                rows = term.frame.pointer(frame) if term.frame is not frame else np.arange(frame.size)
                total += np.bincount(rows, np.broadcast_to(term.coefficient, len(rows)), minlength=frame.size)
            return total
        if isinstance(e, expressions.Expr_ifExpression):
            which = self.truth(e.arg(0), frame)
            return np.where(which, self.number(e.arg(1), frame), self.number(e.arg(2), frame))
        if isinstance(e, expressions.UnaryFunctionExpression):
            return self._function(e)(self.number(e.arg(0), frame))
        if hasattr(e, "is_expression_type") and e.is_expression_type():
            if not variable_free(e):
                raise RecordingError("a variable stands where a number is needed")
            return e._apply_operation([self.number(arg, frame) for arg in e.args])
        return pyo.value(e)

    @staticmethod
    def _function(e: Any) -> Callable[[Numbers], Numbers]:
        known = {"exp": np.exp, "log": np.log, "log10": np.log10, "sqrt": np.sqrt, "abs": np.abs, "ceil": np.ceil,
                 "floor": np.floor}
        if e.getname() not in known:
            raise RecordingError(f"the function {e.getname()} is not known here")
        return known[e.getname()]

    def _looked_up(self, e: Any, frame: Frame) -> Numbers:
        if isinstance(e, GetAttrExpression):
            return self._bound(e, frame)
        given = self.column(e, frame)
        if given.labels is None:
            return given.codes
        if given.labels.dtype.kind not in "iufb" and len(given.labels):
            raise RecordingError(f"{e} is no number")
        return given.labels.to_numpy()[given.codes]

    def _bound(self, e: Any, frame: Frame) -> Numbers:
        item, name = e.args
        if not isinstance(item, GetItemExpression) or item.arg(0).ctype is not pyo.Var or name not in ("lb", "ub"):
            raise RecordingError(f"{name} of {item} cannot be asked for all rows at once")
        return self.bounds()[name == "ub"][self.position(item, frame)]

    # ---- index columns --------------------------------------------------------------------------------------------

    def column(self, e: Any, frame: Frame) -> Column:
        """An index expression as a coded column, one code per row of the frame."""
        if isinstance(e, IndexTemplate):
            owner = frame.owner(id(e))
            if owner is None:
                raise RecordingError(f"the placeholder of {e._set} is used outside its loop")
            given = owner.column(id(e))
            return given if owner is frame else given.take(frame.pointer(owner))
        if isinstance(e, Lookup):
            return self._value_at(e.table, e.args, frame, e.default)
        if isinstance(e, GetItemExpression) and e.arg(0).ctype is pyo.Param:
            return self._value_at(self.spaces.values(e.arg(0)), e.args[1:], frame, None)
        if e.__class__ in native_types:
            return Column(np.zeros(frame.size, dtype=np.int32), pd.Index([e]))
        codes, labels = pd.factorize(np.broadcast_to(np.asarray(self.number(e, frame)), (frame.size,)))
        return Column(codes, pd.Index(labels))

    def _value_at(self, table: Any, key: Any, frame: Frame, default: float | None) -> Column:
        owner = self._innermost(key, frame)
        at = self.rows_of(table.keys_, key, owner)
        missing = at < 0
        if missing.any() and default is None:
            raise RecordingError(f"no value at {self.example(key, owner, missing)}")
        if not owner.size:
            codes = table.data.codes[:0]
        elif missing.all():
            codes = np.full(owner.size, default)
        else:
            codes = table.data.codes[at]
            if default is not None:
                codes = np.where(missing, default, codes)
        made = Column(codes, table.data.labels)
        return made if owner is frame else made.take(frame.pointer(owner))

    def example(self, key: Any, frame: Frame, which: NDArray[np.bool_]) -> tuple[Any, ...]:
        """The index at the first row where `which` is true."""
        first = np.flatnonzero(which)[:1]
        return tuple(self.column(part, frame).take(first).objects()[0] for part in key)

    def _innermost(self, key: Any, frame: Frame) -> Frame:
        """The outermost frame that knows all placeholders of a key."""
        owners = [self._owner(part, frame) for part in key]
        return max(owners, key=Frame.depth, default=frame.outermost())

    def _owner(self, e: Any, frame: Frame) -> Frame:
        if isinstance(e, IndexTemplate):
            return frame.owner(id(e)) or frame
        if isinstance(e, Summed):
            return frame
        if e.__class__ in native_types or not e.is_expression_type():
            return frame.outermost()
        args = e.args[1:] if isinstance(e, GetItemExpression) else e.args
        return self._innermost(args, frame)

    # ---- positions ------------------------------------------------------------------------------------------------

    def rows_of(self, relation: Relation, key: Any, frame: Frame) -> NDArray[Any]:
        """Row of an index in a relation, one per row of the frame; -1 where it is none of its rows."""
        known = self._known(relation, key, frame)
        if known is not None:
            return known
        total, unknown = np.zeros(frame.size, dtype=np.int64), np.zeros(0, dtype=bool)
        for part, own, stride in zip(key, relation.columns, relation.strides, strict=True):
            owner = self._owner(part, frame)
            codes = self._codes(part, own, owner)
            if codes.min(initial=0) < 0:
                lost = frame.lift(codes < 0, owner)
                unknown = lost if not len(unknown) else unknown | lost
            total += frame.lift(codes * np.int64(stride), owner)
        return relation.find(np.where(unknown, -1, total) if len(unknown) else total)

    def _known(self, relation: Relation, key: Any, frame: Frame) -> NDArray[Any] | None:
        """The rows without a search, where the key is just what a loop over the relation itself runs through."""
        owner = frame.owner(id(key[0])) if len(key) else None
        if owner is None or id(relation) not in owner.runs:
            return None
        _, placeholders, rows = owner.runs[id(relation)]
        if placeholders != tuple(id(part) for part in key):
            return None
        return rows if owner is frame else rows[frame.pointer(owner)]

    def _codes(self, part: Any, own: Column, owner: Frame) -> NDArray[Any]:
        if part.__class__ in native_types:
            assert own.labels is not None
            return np.broadcast_to(own.labels.get_indexer(pd.Index([part], dtype=object)), (owner.size,))
        given = self.column(part, owner)
        if given.labels is None:
            assert own.labels is not None
            return own.labels.get_indexer(pd.Index(given.codes)).astype(np.int64)
        assert own.labels is not None
        translation = self.spaces.translation(given.labels, own.labels)
        return given.codes if translation is None else translation[given.codes]

    def position(self, item: Any, frame: Frame) -> NDArray[Any]:
        """Column of an indexed variable, one per row of the frame. Raises RecordingError where there is none."""
        variable, key = item.arg(0), list(item.args[1:])
        first, index_set = self.place(variable)
        space = self.spaces.space(index_set)
        if len(key) != space.width:
            raise RecordingError(f"{variable.name} takes {space.width} indices, not {len(key)}")
        at: NDArray[Any] = np.zeros(1, dtype=np.int64)
        for factor in space.factors:
            own, key = key[: factor.width], key[factor.width :]
            rows = self.rows_of(factor, own, frame)
            if rows.min(initial=0) < 0:
                raise RecordingError(f"{variable.name} has no index {self.example(own, frame, rows < 0)}")
            at = rows if factor is space.factors[0] else at * factor.size + rows
        return at + first

    # ---- questions ------------------------------------------------------------------------------------------------

    def truth(self, question: Any, frame: Frame) -> NDArray[np.bool_]:
        """The answer at every row of a frame."""
        if isinstance(question, IsMember):
            return self.rows_of(question.relation, question.key, frame) >= 0
        if isinstance(question, HasMembers):
            return self.rows_of(question.groups.index, question.key, frame) >= 0
        if isinstance(question, Same):
            return self._equal(question.left, question.right, frame)
        if isinstance(question, EqualityExpression | NotEqualExpression):
            same = self._equal(question.arg(0), question.arg(1), frame)
            return same if isinstance(question, EqualityExpression) else ~same
        if isinstance(question, InequalityExpression):
            low, high = (self.number(arg, frame) for arg in question.args)
            return np.broadcast_to(np.asarray(low < high if question._strict else low <= high), (frame.size,))
        if isinstance(question, IndexTemplate | Lookup | GetItemExpression):
            given = self.column(question, frame)
            return np.asarray(given.codes != 0) if given.labels is None else self._truths(given)
        return np.broadcast_to(np.asarray(self.number(question, frame), dtype=bool), (frame.size,))

    @staticmethod
    def _truths(given: Column) -> NDArray[np.bool_]:
        assert given.labels is not None
        return np.asarray(given.labels.to_numpy().astype(bool)[given.codes], dtype=bool)

    def _equal(self, left: Any, right: Any, frame: Frame) -> NDArray[np.bool_]:
        sides = [self.column(side, frame) for side in (left, right)]
        values = [c.codes if c.labels is None else c.labels.to_numpy()[c.codes] for c in sides]
        return np.asarray(values[0] == values[1], dtype=bool)

    # ---- terms ----------------------------------------------------------------------------------------------------

    def terms(self, e: Any, frame: Frame, factor: Numbers, only: int | None = None) -> Iterator[Term]:
        """Linear terms of an expression times a factor; `only` those inside one loop."""
        if e.__class__ in native_numeric_types:
            if e != 0 and only is None:
                yield Term(frame, None, factor * e)
        elif isinstance(e, Summed):
            inner = e.loops[-1].frame[0]
            number = None if any(loop.number == only for loop in e.loops) else only
            yield from self.terms(e.body, inner, inner.lift(factor, frame), number)
        elif isinstance(e, GetItemExpression) and e.arg(0).ctype is pyo.Var:
            if only is None:
                yield Term(frame, self.position(e, frame), factor)
        elif isinstance(e, expressions.NegationExpression):
            yield from self.terms(e.arg(0), frame, -1.0 * factor, only)
        elif isinstance(e, expressions.SumExpression) and not isinstance(e, NPV_SumExpression):
            for arg in e.args:
                yield from self.terms(arg, frame, factor, only)
        elif isinstance(e, PRODUCTS) and e.is_potentially_variable():
            yield from self._product(e, frame, factor, only)
        elif hasattr(e, "is_variable_type") and e.is_variable_type():
            if only is None:
                yield Term(frame, np.full(frame.size, self._single(e)), factor)
        elif hasattr(e, "is_named_expression_type") and e.is_named_expression_type():
            yield from self.terms(e.expr, frame, factor, only)
        elif hasattr(e, "is_potentially_variable") and e.is_potentially_variable() and not variable_free(e):
            raise RecordingError(f"{e.__class__.__name__} is not linear")
        elif only is None:
            yield Term(frame, None, factor * self.number(e, frame))

    def _product(self, e: Any, frame: Frame, factor: Numbers, only: int | None) -> Iterator[Term]:
        left, right = e.args
        if isinstance(e, expressions.DivisionExpression):
            yield from self.terms(left, frame, factor / self.number(right, frame), only)
        elif variable_free(left):
            yield from self.terms(right, frame, factor * self.number(left, frame), only)
        elif variable_free(right):
            yield from self.terms(left, frame, factor * self.number(right, frame), only)
        else:
            raise RecordingError("a variable is multiplied with a variable")

    def _single(self, variable: Any) -> int:
        first, index_set = self.place(variable.parent_component())
        if not variable.parent_component().is_indexed():
            return first
        return first + self.single(index_set, variable.index())

    def single(self, index_set: Any, index: Any) -> int:
        """Position of one index."""
        space, parts, at = self.spaces.space(index_set), index if isinstance(index, tuple) else (index,), 0
        for factor in space.factors:
            own, parts = parts[: factor.width], parts[factor.width :]
            at = at * factor.size + factor.positions[own if factor.width > 1 else own[0]]
        return at
