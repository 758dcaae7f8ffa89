"""The steps of a solve in a planner's words: time, goal, what is done, the best plan so far, its bound, the gap."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from capacity.cli.progress import Screen

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity.scenario import Scenario
    from capacity.solving import Progress

PHASES = {
    "building the model": "writing the model",
    "solving the relaxation": "bounding: plans with fractions of phases and pods",
    "relaxation solved": "bound found",
    "rounding": "rounding to whole phases and pods",
    "searching what the relaxation uses": "searching plans like the bound's",
    "searching all": "searching all plans",
    "goal done": "done",
}
"""What the search calls its phases, in words; any other is shown as it is."""

LASTING = ("goal done", "relaxation solved", "better plan")


def teller(screen: Screen, scenario: Scenario | None) -> Callable[[Progress], None]:
    """A listener for a solve that shows each step."""

    def listen(step: Progress) -> None:
        warning = "very different size" in step.phase
        screen.show(sentences(step, scenario), f"{step.goal} {step.phase}", warning or step.phase in LASTING)

    return listen


def sentences(step: Progress, scenario: Scenario | None = None) -> list[str]:
    """One step as lines that say the same, the fullest first."""
    from capacity.plan.numbers import gap
    from capacity.plan.proof import GOALS, goal_unit

    goal, sign = GOALS.get(step.goal, (step.goal.replace("_", " "), 1.0))
    phase = PHASES.get(step.phase, step.phase)
    before, _, other = phase.partition("looking ahead to ")
    phase = f"looking ahead to {GOALS.get(other, (other, 1.0))[0]}" if other and not before else phase
    start = f"{step.seconds:6.1f} s  " + (f"{goal}: {phase}" if goal else phase)
    short = f"{step.seconds:6.1f} s  {goal or phase}"
    unit = goal_unit(step.goal, scenario).partition(",")[0]
    best, bound, proven = "", "", f"gap {gap(step.gap)}" if isfinite(step.gap) else ""
    if isfinite(step.objective):
        best = f"plan {number(sign * step.objective)}"
    if isfinite(step.bound):
        bound = f"none {'below' if sign > 0 else 'above'} {number(sign * step.bound)}"
    measured = unit if best or bound else ""
    shapes = ([start, best, bound, measured, proven], [start, best, bound, proven], [start, best, proven],
              [start, proven], [short, best, proven], [short, proven])
    return ["  ".join(filter(None, shape)) for shape in shapes]


ROUNDING = 1e-9
"""In a goal's unit: nothing smaller is worth telling."""


def number(value: float) -> str:
    """Five digits, no exponent below a thousand million; what is left of a zero by rounding is one."""
    value = 0.0 if abs(value) < ROUNDING else value
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:,.5g}"
