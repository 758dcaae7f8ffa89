"""Rules run once with placeholders for their indices, and written down instead of worked out row by row.

A rule may ask about its index (`if y == first`, `(p, y) in m.OPENING`, `if whole[k]`). The question is answered for all
rows at once; where the answers differ, the rule is run again for the other part of the rows (or, inside a sum, for the
other part of its terms). So a rule of n rows costs as many runs as it has ways to go, not n.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyomo.core.base.expression import IndexedExpression
from pyomo.core.base.set import SetData, _FiniteSetMixin, _OrderedSetMixin
from pyomo.core.base.var import IndexedVar
from pyomo.core.expr.numvalue import NumericValue
from pyomo.core.expr.relational_expr import EqualityExpression, NotEqualExpression, RelationalExpression
from pyomo.core.expr.template_expr import GetItemExpression, IndexTemplate, Numeric_GetItemExpression

from capacity.formulation.relations import RECORDERS, Groups, IsMember, Lookup, Relation, Values, is_placeholder
from capacity.solving.compiler.evaluate import Evaluator
from capacity.solving.compiler.frames import Frame, crossed, joined
from capacity.solving.compiler.nodes import Loop, RecordingError, Same, summed
from capacity.solving.compiler.spaces import Space

WAYS = 400
"""Most ways a rule may go before it is better worked out row by row."""

TRUTHS = (NumericValue, RelationalExpression, EqualityExpression, NotEqualExpression)
"""What a rule may ask the truth of."""


class Way(NamedTuple):
    """One way a rule goes: what it returns for the rows of `frame`; where `only` is a loop's number, nothing but that
    loop's terms counts, the rest is in another way."""

    result: Any
    frame: Frame
    only: int | None

    @property
    def span(self) -> Any:
        """What takes the positions in the rule's index set out of an array of all; without a copy where it is all."""
        return slice(None) if self.frame.whole else self.rows

    @property
    def rows(self) -> NDArray[Any]:
        """Positions in the rule's index set."""
        assert self.frame.positions is not None
        return self.frame.positions


class _Prefix(NamedTuple):
    taken: tuple[bool, ...]
    only: int | None


class Recording:
    """One run of a rule: it answers for placeholders and notes where the rule could have gone another way."""

    def __init__(self, evaluator: Evaluator, root: Frame, prefix: _Prefix) -> None:
        self.evaluator, self.root, self.prefix = evaluator, root, prefix
        self.taken: list[bool] = []
        self.others: list[_Prefix] = []
        self.open: list[Loop] = []
        self.chain: dict[int, int | None] = {}
        self.summing = 0
        self.keep: list[Any] = []
        self.summed: set[int] = set()
        self.open_question = False
        """Whether, inside the loop that alone counts here, more was asked than the prefix answers."""

    # ---- questions ------------------------------------------------------------------------------------------------

    def frame(self) -> Frame:
        """The rows, or the terms of the innermost sum, that the rule speaks of now."""
        return self.open[-1].frame[0] if self.open else self.root

    def decide(self, question: Any) -> bool:
        """Which way the rule goes on; the rows or terms for which the answer is the other one are left for later."""
        frame = self.frame()
        answer = self.evaluator.truth(question, frame)
        mixed = bool(answer.any()) and not bool(answer.all())
        if len(self.taken) < len(self.prefix.taken):
            value = self.prefix.taken[len(self.taken)]
        else:
            self.open_question |= self.prefix.only in self._around(self.open[-1].number if self.open else None)
            value = bool(answer.any()) or not frame.size
            if mixed:
                self._leave(False)
        self.taken.append(value)
        if mixed:
            self._narrow(answer == value)
        return value

    def _leave(self, value: bool) -> None:
        """The other way, to be run later; inside a sum that does not count here there is none."""
        taken = (*self.taken, value)
        if not self.open:
            self.others.append(_Prefix(taken, self.prefix.only))
        elif self.prefix.only is None or self.prefix.only in self._around(self.open[-1].number):
            self.others.append(_Prefix(taken, self.open[-1].number))

    def _around(self, number: int | None) -> list[int]:
        found = []
        while number is not None:
            found.append(number)
            number = self.chain[number]
        return found

    def _narrow(self, keep: NDArray[np.bool_]) -> None:
        if not self.open:
            self.root = self.root.filtered(keep)
            return
        inner = self.open[-1]
        if inner.number in self.chain.values():
            raise RecordingError("a sum asks about its index after it has summed within; ask first")
        inner.frame[0] = inner.frame[0].filtered(keep)

    # ---- sums -----------------------------------------------------------------------------------------------------

    def loop(self, source: Any, key: tuple[Any, ...]) -> Iterator[Any]:
        """Placeholders that stand for every row of a relation, or for every member of the group at a key."""
        if not callable(source) and not isinstance(source, Groups) and not source.size:
            return
        if not self.summing:
            raise RecordingError("it loops over indices outside of sum(...)")
        placeholders, made = self._loop_frame(source() if callable(source) else source, key)
        number = len(self.chain)
        self.chain[number] = self.open[-1].number if self.open else None
        self.open.append(Loop([made], number))
        yield placeholders[0] if len(placeholders) == 1 else tuple(placeholders)
        self.open.pop()

    def _loop_frame(self, source: Any, key: tuple[Any, ...]) -> tuple[list[Any], Frame]:
        parent = self.frame()
        if not isinstance(source, Groups):
            placeholders = self.placeholders(source)
            return placeholders, crossed(parent, placeholders, source)
        placeholders = self.placeholders(source.members)
        group = self.evaluator.rows_of(source.index, key, parent)
        return placeholders, joined(parent, placeholders, source.start, source.members, group)

    def placeholders(self, relation: Relation) -> list[Any]:
        """One for each column."""
        made = [IndexTemplate(relation, j, j, None) for j in range(relation.width)]
        self.keep += [*made, relation]
        return made

    def sum(self, terms: Iterable[Any], start: Any = 0) -> Any:
        """What `sum` does while a rule is recorded."""
        total, outside, each = start, len(self.open), iter(terms)
        while True:
            self.summing += 1
            try:
                body = next(each)
            except StopIteration:
                return total
            finally:
                self.summing -= 1
            loops = tuple(self.open[outside:])
            self.summed.update(loop.number for loop in loops)
            total = total + (summed(body, loops) if loops else body)


def ways(evaluator: Evaluator, rule: Callable[[Any], Any], space: Space) -> Iterator[Way]:
    """Every way a rule goes, each run once; together they cover all rows and all terms once.

    `rule` takes one index (a tuple where the space has several columns; None where it has none).
    """
    waiting, runs = [_Prefix((), None)], 0
    while waiting:
        prefix = waiting.pop()
        runs += 1
        if runs > WAYS:
            raise RecordingError(f"it goes more than {WAYS} ways")
        if prefix.only is not None and _sums_nothing(evaluator, rule, space, prefix):
            continue
        names = [IndexTemplate(None, j, j, None) for j in range(space.width)]
        run = Recording(evaluator, space.root(names), prefix)
        try:
            result = _run(run, rule, names)
        except Exception as error:
            if run.root.positions is not None and len(run.root.positions) and not isinstance(error, RecordingError):
                rule(space.index(int(run.root.positions[0])))  # what it says of a row in plain words goes first
            raise
        if run.open:
            raise RecordingError("it left a loop before its end")
        waiting += run.others
        yield Way(result, run.root, prefix.only)


def _run(run: Recording, rule: Callable[[Any], Any], names: list[Any]) -> Any:
    """What the rule returns for placeholders."""
    run.keep += names
    with recording(run):
        return rule(None if not names else names[0] if len(names) == 1 else tuple(names))


def _sums_nothing(evaluator: Evaluator, rule: Callable[[Any], Any], space: Space, prefix: _Prefix) -> bool:
    """Whether the loop that alone counts in a way has no terms in it, as in `sum(... if ...)`: seen without rows."""
    names = [IndexTemplate(None, j, j, None) for j in range(space.width)]
    trial = Recording(evaluator, space.root(names, empty=True), prefix)
    try:
        _run(trial, rule, names)
    except Exception:  # without rows it may have gone where no row goes: the way is run with its rows, and tells
        return False
    return prefix.only not in trial.summed and not trial.open_question


@contextmanager
def recording(run: Recording) -> Iterator[None]:
    """What a rule asks of placeholders is answered by a recording."""
    spaces = run.evaluator.spaces
    with listening():
        RECORDERS.append(run)
        spaces.plainly = paused
        try:
            yield
        finally:
            spaces.plainly = nullcontext
            RECORDERS.pop()


@contextmanager
def paused() -> Iterator[None]:
    """Everything is plain Python and Pyomo for a while."""
    aside = list(RECORDERS)
    RECORDERS.clear()
    try:
        yield
    finally:
        RECORDERS.extend(aside)


_LISTENING: list[bool] = []
"""Not empty while the questions of placeholders are listened to."""


@contextmanager
def listening() -> Iterator[None]:
    """Sums, loops over sets, membership, neighbours and truth of placeholders speak to the recording at work; without
    one, or about plain values, all is as ever. Changing Pyomo's classes costs more than a small rule: once for many."""
    changes = [] if _LISTENING else _changes()
    before = [(owner, name, owner.__dict__.get(name)) for owner, name, _ in changes]
    for owner, name, new in changes:
        setattr(owner, name, new)
    _LISTENING.append(True)
    try:
        yield
    finally:
        _LISTENING.pop()
        for owner, name, old in before:
            if old is None:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


def _changes() -> list[tuple[Any, str, Any]]:
    """(class or module, name, what stands there while a recording may be at work)"""
    contains, call, step = SetData.__contains__, IndexedExpression.__getitem__, _OrderedSetMixin.next
    same, column, total = NumericValue.__eq__, IndexedVar.__getitem__, builtins.sum
    each, first = _FiniteSetMixin.__iter__, _OrderedSetMixin.first

    def member(self: Any, index: Any) -> bool:
        if not RECORDERS or not is_placeholder(index):
            return bool(contains(self, index))
        relation = _now().evaluator.spaces.relation(self)
        return bool(_now().decide(IsMember(relation, index if isinstance(index, tuple) else (index,))))

    def entry(self: Any, index: Any) -> Any:
        if not RECORDERS or not is_placeholder(index):
            return column(self, index)
        return Numeric_GetItemExpression((self, *(index if isinstance(index, tuple) else (index,))))

    def inline(self: Any, index: Any) -> Any:
        recorded = RECORDERS and is_placeholder(index)
        return self._rule(self.parent_block(), index) if recorded else call(self, index)

    def neighbour(self: Any, index: Any, by: int = 1) -> Any:
        if not RECORDERS or not is_placeholder(index):
            return step(self, index, by)
        return Lookup((index,), _shifted(_now().evaluator.spaces.relation(self), by))

    def elements(self: Any) -> Any:
        return _now().loop(lambda: _now().evaluator.spaces.relation(self), ()) if RECORDERS else each(self)

    def members(self: Any) -> Any:
        if not RECORDERS:
            raise TypeError(f"{self.__class__.__name__!r} object is not iterable")
        return _now().loop(lambda: _now().evaluator.spaces.groups(self.arg(0)), tuple(self.args[1:]))

    def equal(self: Any, other: Any) -> Any:
        word = RECORDERS and isinstance(other, str | bytes | tuple)
        return _now().decide(Same(self, other)) if word else same(self, other)

    def truth(before: Any) -> Any:
        return lambda self: _now().decide(self) if RECORDERS else before is None or before(self)

    return [
        (builtins, "sum", lambda terms, /, start=0: (_now().sum if RECORDERS else total)(terms, start)),
        (_FiniteSetMixin, "__iter__", elements),
        (GetItemExpression, "__iter__", members),
        (SetData, "__contains__", member),
        (IndexedExpression, "__getitem__", inline),
        (IndexedVar, "__getitem__", entry),
        (_OrderedSetMixin, "next", neighbour),
        (_OrderedSetMixin, "first", lambda self: next(iter(self._iter_impl())) if RECORDERS else first(self)),
        (NumericValue, "__eq__", equal),
        *((one, "__bool__", truth(getattr(one, "__bool__", None))) for one in TRUTHS),
    ]


def _now() -> Any:
    """The recording at work."""
    return RECORDERS[-1]


def _shifted(relation: Relation, by: int) -> Values:
    """{member: the one `by` places after it}"""
    at = np.arange(relation.size) + by
    inside = np.flatnonzero((at >= 0) & (at < relation.size))
    return Values(relation.take(inside), relation.columns[0].take(at[inside]))
