"""Where something turns: two values close to each other, on either side of it."""

from __future__ import annotations

from collections.abc import Callable

BESIDE = 0.9
"""A look beside the guess is so much of the wanted width away, in logs."""


def bracket(turned: Callable[[float], bool], near: float, far: float, close: float,
            guess: float | None = None) -> tuple[float, float]:
    """(last value known not to turn, first known to), within a factor `close`, from `near` (not) and `far` (turned).

    Looks at the guess first, then beside it on the side where the turn must be, then always in the middle. All in logs:
    `near` and `far` are above 0 and either may be the larger.
    """
    step, looks = close ** (BESIDE if far > near else -BESIDE), 0 if guess is not None else 2
    while max(near / far, far / near) > close:
        hinted = looks < 2 and guess is not None and min(near, far) < guess < max(near, far)
        at = guess if hinted and guess is not None else (near * far) ** 0.5
        looks += 1
        if turned(at):
            far, guess = at, at / step
        else:
            near, guess = at, at * step
    return near, far
