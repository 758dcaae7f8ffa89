"""Questions asked one at a time: a search decides what to solve next from what the last plans said.

Each answer is kept in a study's folder like any other, so a search that is repeated or interrupted solves nothing
twice; each solve starts from the plan solved last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from capacity.errors import CapacityError, InputError, nearest
from capacity.plan import Plan, load_plan
from capacity.scenario import load_scenario
from capacity.studies.file import Study
from capacity.studies.keys import Base
from capacity.studies.members import Member
from capacity.studies.pool import here
from capacity.studies.solve import Done, Task, keyed
from capacity.studies.store import Store, results_table

Told = Callable[[str], None]


@dataclass
class Asked:
    """Rows of one scenario under changes, each solved when it is first asked for."""

    scenario: str
    folder: Path
    sets: tuple[str, ...] = ()
    gap: float = 0.02
    time_limit: float = 600.0
    name: str = "search"
    tell: Told | None = None
    members: list[Member] = field(default_factory=list)
    overrides: list[tuple[str, ...]] = field(default_factory=list)
    done: dict[int, Done] = field(default_factory=dict)
    solved: int = 0
    """Plans solved by this run; those known before are not counted."""
    _last: str = ""

    def __post_init__(self) -> None:
        self.store = Store(self.folder)
        self.base = Base(load_scenario(self.scenario, self.sets))

    def row(self, values: Mapping[str, str]) -> dict[str, Any]:
        """The figures of the plan under `values`. Raises CapacityError where there is no plan, saying why."""
        number = self._number(values)
        row = dict(self.done[number].row)
        if self.done[number].folder is None:
            raise CapacityError(f"{self.members[number].label}: {row['status'].replace('_', ' ')}: {row['reason']}")
        return row

    def plan(self, values: Mapping[str, str]) -> Plan:
        """The plan itself."""
        self.row(values)
        folder = self.done[self._number(values)].folder
        assert folder is not None
        return load_plan(folder)

    def _number(self, values: Mapping[str, str]) -> int:
        for member in self.members:
            if dict(member.values) == dict(values):
                return member.number
        sets = tuple(s for path, text in values.items() for s in self.base.sets(path, text))
        member = Member(len(self.members), dict(values))
        task = keyed(Task(self.scenario, (*self.sets, *sets), self.gap, self.time_limit))
        self.members.append(member)
        self.overrides.append(sets)
        with self.store.locked():
            self._record({member.number: task.key})
            found = self.store.find(task.key)
            if found is None:
                found = next(iter(here([task], self.store.plans, self.store.keepsake(self._last))))
                self.solved += 1
                if found.row["status"] == "interrupted":
                    raise KeyboardInterrupt
                self.store.note(found)
            self.done[member.number] = found
            self.store.write_results(results_table({m.number: m for m in self.members}, self.done))
        self._last = task.key if found.folder else self._last
        if self.tell is not None:
            self.tell(f"{member.label}: {found.row['status'].replace('_', ' ')}")
        return member.number

    def _record(self, new: Mapping[int, str]) -> None:
        keys = {number: done.key for number, done in self.done.items()} | dict(new)
        study = Study(self.name, self.scenario, self.sets, tuple(self.members), tuple(self.overrides), self.gap,
                      self.time_limit)
        self.store.begin(study, keys)

    def results(self) -> pd.DataFrame:
        """The rows so far."""
        return results_table({m.number: m for m in self.members}, self.done)


_CONDITION = re.compile(r"^\s*([\w.\- ]+?)\s*(>=|<=|>|<)\s*([\w.\-+ ]+?)\s*$")


@dataclass(frozen=True)
class Condition:
    """`instances_last >= 1e9`, or `mw.lulea > mw.abilene`: what a plan must reach. `mw.SITE`: its largest MW."""

    left: str
    sign: str
    right: str

    @classmethod
    def read(cls, text: str) -> Condition:
        """Raises InputError where it is no comparison."""
        found = _CONDITION.match(text)
        if not found:
            raise InputError(f"{text!r}: write a condition as `instances_last >= 1e9` or `mw.lulea > mw.abilene`")
        return cls(found[1].strip(), found[2], found[3].strip())

    def distance(self, row: Mapping[str, Any], plan: Callable[[], Plan]) -> float:
        """How far the condition is from changing: positive where it holds. Raises InputError for an unknown figure."""
        left, right = (value_of(side, row, plan) for side in (self.left, self.right))
        away = left - right if self.sign[0] == ">" else right - left
        return away if away != 0 else (0.0 if len(self.sign) == 2 else -0.0)

    def holds(self, row: Mapping[str, Any], plan: Callable[[], Plan]) -> bool:
        """Whether a plan meets it."""
        away = self.distance(row, plan)
        return away >= 0 if len(self.sign) == 2 else away > 0


def value_of(name: str, row: Mapping[str, Any], plan: Callable[[], Plan]) -> float:
    """A number, a figure of a plan's row, or `mw.SITE`. Raises InputError naming the nearest figure."""
    try:
        return float(name)
    except ValueError:
        pass
    if name.startswith("mw."):
        return _site_mw(name.removeprefix("mw."), plan())
    numbers = [k for k, v in row.items() if isinstance(v, int | float)]
    if name not in numbers:
        near = nearest(name, numbers)
        hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(numbers)}, mw.SITE"
        raise InputError(f"{name}: no such figure of a plan; {hint}")
    return float(row[name])


def _site_mw(site: str, plan: Plan) -> float:
    power = plan.tables["power"]
    known = sorted(set(plan.tables["sites"]["site"]))
    if site not in known:
        raise InputError(f"mw.{site}: the plan knows no such site; nearest: {nearest(site, known) or 'none'}")
    return float(power.loc[power["site"] == site, "facility_mw"].max()) if (power["site"] == site).any() else 0.0


def figures_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the numeric figures that rows have."""
    return [k for k, v in rows[0].items() if isinstance(v, int | float)] if rows else []
