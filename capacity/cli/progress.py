"""What a long command says on stderr while it works: a moving line on a terminal, plain lines in a pipe, a log or CI.

A terminal that cannot move its lines (TERM=dumb), and any run with CI set, counts as a pipe. NO_COLOR is kept by rich.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

SPINNER, BAR = 2, 12
"""Columns that the spinner with its space and the bar take."""
AGAIN_S = 5.0
"""Seconds after which a plain line is written again though only its numbers have changed."""


class Screen(Protocol):
    """Where progress is shown."""

    def show(
        self, lines: Sequence[str], topic: str = "", lasting: bool = False, done: tuple[float, float] | None = None
    ) -> None:
        """Show where the work stands. `lines` say the same, the fullest first: the first that fits is taken. `topic`
        tells steps apart; `lasting` lines stay; `done` is (finished, all)."""


class Silent:
    """Nothing is shown."""

    def show(
        self, lines: Sequence[str], topic: str = "", lasting: bool = False, done: tuple[float, float] | None = None
    ) -> None:
        """Nothing."""


class Plain:
    """One line a step; the same topic again only after a while."""

    def __init__(self) -> None:
        self.topic: str | None = None
        self.at = -float("inf")

    def show(
        self, lines: Sequence[str], topic: str = "", lasting: bool = False, done: tuple[float, float] | None = None
    ) -> None:
        """The fullest line, whatever its width."""
        now = time.monotonic()
        if not lasting and topic == self.topic and now - self.at < AGAIN_S:
            return
        self.topic, self.at = topic, now
        count = "" if done is None else f"{done[0]:.0f} of {done[1]:.0f}  "
        print(f"{count}{lines[0]}".rstrip(), file=sys.stderr, flush=True)


class Live:
    """A moving line under those that stay; a bar once it is known how much there is to do."""

    def __init__(self, console: Console, counted: bool) -> None:
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self.console, self.counted = console, counted
        bar = (TextColumn("{task.fields[count]}", markup=False), BarColumn(bar_width=BAR)) if counted else ()
        told = TextColumn("{task.fields[told]}", markup=False)
        self.bar = Progress(SpinnerColumn(), *bar, told, console=console, transient=True)
        self.task = self.bar.add_task("", total=None, told="", count="")

    def show(
        self, lines: Sequence[str], topic: str = "", lasting: bool = False, done: tuple[float, float] | None = None
    ) -> None:
        """The fullest line that fits the terminal."""
        if lasting:
            self.console.print(fitting(lines, self.console.width), style="dim", highlight=False, markup=False)
        count = "" if done is None else f"{done[0]:.0f} of {done[1]:.0f}"
        room = self.console.width - SPINNER - (BAR + len(count) + 2 if self.counted else 0)
        total = None if done is None else done[1]
        self.bar.update(self.task, told=fitting(lines, room), count=count, total=total,
                        completed=0 if done is None else done[0])


def fitting(lines: Sequence[str], width: int) -> str:
    """The first line that is no wider, else the last one cut."""
    found = next((line for line in lines if len(line) <= width), None)
    return found if found is not None else lines[-1][: max(width - 1, 0)] + "…"


def moving() -> bool:
    """Whether stderr is a terminal on which a line can move."""
    calm = os.environ.get("CI", "").lower() not in ("", "0", "false") or os.environ.get("TERM") == "dumb"
    return sys.stderr.isatty() and not calm


@contextmanager
def screen(silent: bool, first: str = "", counted: bool = False) -> Iterator[Screen]:
    """Where a command shows its progress; `first` is what it starts with, `counted` work has a bar."""
    if silent:
        yield Silent()
        return
    if not moving():
        yield Plain()
        return
    from rich.console import Console

    live = Live(Console(stderr=True), counted)
    with live.bar:
        if first:
            live.show([first])
        yield live
