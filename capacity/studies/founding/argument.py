"""What an argument is, how its verdict follows from its parts, and how far each input must move to flip it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from capacity.studies.founding.bracket import bracket

if TYPE_CHECKING:
    from capacity.studies.founding.facts import Facts

Values = Mapping[str, float]
"""Value of each input by its name."""

HOLDS, IN_PART, FAILS = "holds", "holds in part", "does not hold"
SPAN = 100.0
"""A flip is looked for within this factor of the mid value."""
STEP = 1.8
"""Factor of a step of the first look on either side; what flips is then narrowed by bisection."""
CLOSE, ROUGH = 1.01, 1.05
"""A flip is known within this factor; within the second where each value takes a solved plan."""


@dataclass(frozen=True)
class Input:
    """An uncertain number that an argument rests on."""

    name: str
    words: str
    low: float
    mid: float
    high: float
    unit: str
    source: str
    confidence: str
    least: float = 0.0
    most: float = np.inf
    """What it cannot pass, such as 0 and 1 for a share."""
    search: str = "wide"
    """Where a flip is looked for: `wide` within SPAN of the mid; `range`, where each value takes a plan, within the
    stated range and `reach` times beyond it, to within ROUGH; `ends`, where only low, mid and high exist, nowhere
    between."""
    reach: float = 1.0

    @property
    def looked(self) -> tuple[float, float]:
        """Least and most value that is looked at for a flip."""
        low, high = (self.mid / SPAN, self.mid * SPAN) if self.search == "wide" else (
            self.low / self.reach, self.high * self.reach)
        return min(self.low, max(low, self.least)), max(self.high, min(high, self.most))


@dataclass(frozen=True)
class Figure:
    """A computed number and what it stands on."""

    words: str
    value: float
    unit: str
    basis: str = ""


@dataclass(frozen=True)
class Part:
    """One checkable statement of the argument: what is said, what was found, and whether it holds."""

    claim: str
    found: str
    holds: bool
    margin: float = np.nan
    """How clearly, above 0 where it holds; about a line in the logarithm of an input. NaN where nobody asks for it."""


@dataclass(frozen=True)
class Chart:
    """What a picture of the argument shows: lines or bars, one column a series, the index along the x axis."""

    title: str
    unit: str
    data: pd.DataFrame
    kind: str = "lines"
    log: bool = False
    log_x: bool = False


@dataclass(frozen=True)
class Outcome:
    """What an argument comes to at given inputs; the first figure is the one whose spread is reported."""

    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]
    reading: str
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()

    @property
    def held(self) -> tuple[bool, ...]:
        """Which parts hold: what an input must not change for the finding to stand."""
        return tuple(bool(part.holds) for part in self.parts)

    @property
    def verdict(self) -> str:
        """`holds` when every part does, `does not hold` when none does."""
        held = self.held
        return HOLDS if all(held) else IN_PART if any(held) else FAILS


@dataclass(frozen=True)
class Argument:
    """A quantitative argument of 2021 as a computation on the catalogue, the serving model, networks and plans."""

    name: str
    title: str
    claim: str
    inputs: Callable[[Facts], tuple[Input, ...]]
    compute: Callable[[Facts, Values], Outcome]


@dataclass(frozen=True)
class Swing:
    """What one input does: the leading figure and the verdict at its low and high, and where a part turns."""

    input: Input
    low: float
    high: float
    low_verdict: str
    high_verdict: str
    stands: bool
    """Every part is as at the mid, at the low and at the high of the input."""
    flip_below: float | None
    """Largest value under the mid at which a part turns; None: none where it was looked for."""
    flip_above: float | None


@dataclass(frozen=True)
class Finding:
    """An argument with its outcome at the mid of every input, and the swing of each."""

    argument: Argument
    outcome: Outcome
    swings: tuple[Swing, ...]
    claims: tuple[str, ...] = ()
    """Rows of founding_claims that the computation asked for."""
    guesses: tuple[str, ...] = ()
    """Estimates of the catalogue that it uses and that have no range here."""

    @property
    def robust(self) -> bool:
        """No input alone turns any part within its stated range."""
        return all(swing.stands for swing in self.swings)


def find(argument: Argument, facts: Facts) -> Finding:
    """Compute an argument at the mid of its inputs, at each input's low and high, and where its verdict flips."""
    inputs = argument.inputs(facts)
    mid = {given.name: given.mid for given in inputs}
    facts.asked.clear()
    facts.guessed.clear()
    outcome = argument.compute(facts, mid)
    claims, guesses = tuple(facts.asked), tuple(facts.guessed)
    swings = tuple(_swing(argument, facts, mid, given, outcome) for given in inputs)
    return Finding(argument, outcome, swings, claims, guesses)


def _swing(argument: Argument, facts: Facts, mid: Values, given: Input, outcome: Outcome) -> Swing:
    def at(value: float) -> Outcome:
        return argument.compute(facts, {**mid, given.name: value})

    low, high = at(given.low), at(given.high)
    swing = Swing(given, low.figures[0].value, high.figures[0].value, low.verdict, high.verdict,
                  low.held == outcome.held == high.held, None, None)
    if given.search == "ends":
        return swing
    if given.search == "range":
        below, above = (_flip_of_plan(at, given, outcome, (near, inner), end) for inner, near, end in (
            (low, given.low, given.looked[0]), (high, given.high, given.looked[1])))
        return replace(swing, flip_below=below, flip_above=above)
    bottom, top = given.looked
    return replace(swing, flip_below=_flip(at, given.mid, bottom, outcome.held),
                   flip_above=_flip(at, given.mid, top, outcome.held))


def _flip(at: Callable[[float], Outcome], start: float, end: float, held: tuple[bool, ...]) -> float | None:
    """First value from `start` towards `end` at which a part turns: steps of STEP, then a bracket; in logs."""
    steps = max(1, int(np.ceil(abs(np.log(end / start)) / np.log(STEP))))
    for near, far in pairwise(np.geomspace(start, end, steps + 1).tolist()):
        if at(far).held != held:
            return bracket(lambda value: at(value).held != held, near, far, CLOSE)[1]
    return None


def _flip_of_plan(at: Callable[[float], Outcome], given: Input, mid: Outcome, edge: tuple[float, Outcome],
                  end: float) -> float | None:
    """The same with few looks: at the edge of the range (known), at the end of the reach, then where margins point."""
    known = [(given.mid, mid), edge]
    if edge[1].held == mid.held and end != edge[0]:
        known.append((end, at(end)))
    (near, one), (far, other) = known[-2:]
    if other.held == mid.held:
        return None
    return bracket(lambda value: at(value).held != mid.held, near, far, ROUGH, _between(near, one, far, other))[1]


def _between(near: float, one: Outcome, far: float, other: Outcome) -> float | None:
    """Where the first part to turn would on a line between its margins; None without them."""
    lines = [(a.margin, b.margin) for a, b in zip(one.parts, other.parts, strict=True) if a.holds != b.holds]
    crossings = [a / (a - b) for a, b in lines if np.isfinite(a) and np.isfinite(b) and a * b < 0]
    return near * (far / near) ** min(crossings) if crossings else None
