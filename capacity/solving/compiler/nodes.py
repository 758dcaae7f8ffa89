"""What a recorded rule is made of, beyond Pyomo's own expressions: sums over placeholders, questions, terms."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import Numeric_NPV_Mixin, NumericExpression
from pyomo.core.expr.numvalue import native_types
from pyomo.core.expr.template_expr import GetAttrExpression, GetItemExpression

from capacity.solving.compiler.frames import Frame


class RecordingError(RuntimeError):
    """A rule does something that cannot be written down for all its rows at once."""


class Same(NamedTuple):
    """The question whether an index expression is a word."""

    left: Any
    right: Any


class Loop(NamedTuple):
    """A sum over placeholders: its frame, and its number among the loops of one recording."""

    frame: list[Frame]
    number: int


class Summed(NumericExpression):  # type: ignore[misc]
    """The terms of a recorded sum: one body, the loops it stands in, the innermost last."""

    __slots__ = ("body", "loops")

    def __init__(self, body: Any, loops: tuple[Loop, ...]) -> None:
        super().__init__((0,))
        self.body, self.loops = body, loops

    def nargs(self) -> int:
        """It shows no arguments: its terms live in a frame of their own."""
        return 0

    def getname(self, *args: Any, **kwds: Any) -> str:
        """Its name in messages."""
        return "sum"

    def _to_string(self, values: Any, verbose: Any, smap: Any) -> str:
        return f"sum({self.body})"


class SummedNumber(Numeric_NPV_Mixin, Summed):  # type: ignore[misc]
    """A recorded sum of numbers: Pyomo sorts expressions by class into those with variables and those without."""

    __slots__ = ()


def summed(body: Any, loops: tuple[Loop, ...]) -> Summed:
    """The sum of a body over some loops."""
    return SummedNumber(body, loops) if variable_free(body) else Summed(body, loops)


class Term(NamedTuple):
    """Coefficient times column at the rows of a frame; the constant where the column is None."""

    frame: Frame
    column: NDArray[Any] | None
    coefficient: Any


def variable_free(e: Any) -> bool:
    """Whether an expression holds no variable."""
    if isinstance(e, Summed):
        return variable_free(e.body)
    if e.__class__ in native_types:
        return True
    if not e.is_potentially_variable():
        return True
    if isinstance(e, GetAttrExpression):
        return True
    return e.is_expression_type() and not isinstance(e, GetItemExpression) and all(map(variable_free, e.args))
