"""What a search found, as tables that can be kept beside its plans and told again: kind, title, tables, notes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from capacity.errors import InputError
from capacity.studies.store import write_whole

if TYPE_CHECKING:
    from capacity.studies.alternatives import Alternatives
    from capacity.studies.breakeven import BreakEven
    from capacity.studies.frontier import Frontier
    from capacity.studies.futures import FuturesPlan, GoalsFrontier
    from capacity.studies.risk import Risk, RiskSpec

ANSWERS = "answers"
KINDS = ("tornado", "morris", "sobol", "break-even", "frontier", "alternatives", "foresight", "risk")


@dataclass(frozen=True)
class Answer:
    """Tables by name, what the numbers count (`unit`), and sentences beside them."""

    kind: str
    title: str
    tables: Mapping[str, pd.DataFrame]
    unit: str = ""
    notes: tuple[str, ...] = field(default=())


def keep_answer(answer: Answer, folder: Path | str) -> Path:
    """Write an answer into a study's folder, in place of an older one of its kind. Raises InputError."""
    path = Path(folder) / ANSWERS / f"{answer.kind}.json"
    told = {"kind": answer.kind, "title": answer.title, "unit": answer.unit, "notes": list(answer.notes),
            "tables": {name: json.loads(table.to_json(orient="split", index=False, double_precision=15))
                       for name, table in answer.tables.items()}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(told, indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise InputError(f"{path}: cannot write: {error.strerror or error}") from None
    return path


def answers_of(folder: Path | str) -> list[Answer]:
    """The answers kept in a folder, in the order of `KINDS`. Raises InputError for one that is damaged."""
    return [_read(path) for kind in KINDS if (path := Path(folder) / ANSWERS / f"{kind}.json").is_file()]


def _read(path: Path) -> Answer:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        tables = {name: pd.DataFrame(rows["data"], columns=rows["columns"]) for name, rows in told["tables"].items()}
        return Answer(told["kind"], told["title"], tables, told["unit"], tuple(told["notes"]))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: damaged: {error}; run the search again") from None


def of_sensitivity(method: str, figure: str, table: pd.DataFrame) -> Answer:
    """A tornado, a Morris screening or Sobol indices."""
    titles = {"tornado": "What one input moves", "morris": "Which inputs matter at all (Morris screening)",
              "sobol": "Whose uncertainty it is (Sobol indices)"}
    return Answer(method, f"{titles[method]}: {figure}", {"inputs": table}, figure)


def of_break_even(found: BreakEven, until: str) -> Answer:
    """The bracket in which a condition changes, with every plan tried."""
    if found.found:
        first, then = ("fails", "holds") if found.holds_at_high else ("holds", "fails")
        told = f"It {first} at {found.path} = {found.low} and {then} at {found.high} ({found.solves} solves)."
    else:
        told = f"It {'holds' if found.holds_at_low else 'fails'} at both ends, {found.low} and {found.high}."
    return Answer("break-even", f"Break-even: {until}", {"tried": found.table}, found.path, (told,))


def of_frontier(found: Frontier) -> Answer:
    """Points along a key, and how well the curve between them is known."""
    notes = [f"Known to {found.error:.1%} of its range between the points, after {found.solves} solves."]
    if found.steps:
        notes.append(f"It steps {', '.join(f'between {one} and {other}' for one, other in found.steps)}.")
    if found.turns:
        notes.append(f"The curve turns at {', '.join(found.turns)}: between points there it may leave the enclosure.")
    points = found.points.set_axis(["value", "x", "y", "gap", "reason", "decided"], axis=1)
    return Answer("frontier", f"Frontier: {found.y} against {found.x}", {"points": points}, found.y, tuple(notes))


def of_alternatives(found: Alternatives, within: str, differ: str) -> Answer:
    """Plans nearly as good as the best, what all of them do, and where each stands by its last year."""
    columns = ["plan", "extra_cost_share", "decided", "cost_musd", "short_share", "sites", "without",
               "instead"]
    power = pd.DataFrame([
        {"plan": name, "site": str(row["site"]), "facility_mw": float(row["facility_mw"])}
        for name, plan in zip(found.table["plan"], found.plans, strict=True)
        for row in plan.tables["power"][plan.tables["power"]["year"] == plan.tables["power"]["year"].max()].to_dict(
            "records")], columns=["plan", "site", "facility_mw"])
    return Answer("alternatives", f"Plans within {within} of the best that differ in {differ}",
                  {"no regret": found.no_regret, "plans": found.table[columns], "power": power}, differ)


SIGHT = ("foresight", "cost_musd", "extra_cost_musd", "short_share", "extra_short_share", "sites", "gap", "verdict")
"""Columns shown of what short sight costs; without perfect foresight some are absent."""


def of_foresight(table: pd.DataFrame) -> Answer:
    """What short sight costs."""
    told = table[[column for column in SIGHT if column in table]]
    return Answer("foresight", "What short sight costs", {"sights": told}, "million USD")


def of_risk(found: Risk, spec: RiskSpec, aim: str, option: float | None) -> Answer:
    """Commitments, cost by future and what knowing is worth. `option`: what a further possibility is worth, M USD."""
    values = {"expected cost": found.expected, "proven bound of the aim": found.bound,
              f"CVaR at {spec.alpha:g}": found.cvar, "greatest regret": found.worst_regret,
              "perfect information is worth": found.perfect_information,
              "weighing the futures saves": found.stochastic_solution, "the option is worth": option}
    told = pd.DataFrame([(name, value) for name, value in values.items() if value is not None],
                        columns=["what", "musd"])
    notes = () if found.stochastic_solution is not None else (
        "The scenario's own plan leaves a future without any plan: weighing them is needed.",)
    return Answer("risk", f"Plans under uncertainty: {spec.name}, aim {aim}",
                  {"values": told, "futures": found.by_future, "commitments": found.commitments}, "million USD", notes)


def of_futures(found: FuturesPlan) -> Answer:
    """Plans for several futures: what was reached of each goal, cost by future, what is decided ahead."""
    told = pd.DataFrame([(f"{stage.goal.replace('_', ' ')}{end}", value) for stage in found.stages
                         for end, value in (("", stage.objective), (", proven bound", stage.bound))],
                        columns=["what", "musd"])
    notes = ("Each future has a plan of its own; they agree in all that is decided before the futures part. Regret is "
             "what a future's plan costs, shortage at its price, above the cheapest plan for that future alone. Goals "
             "that are no money are in their own units.",)
    return Answer("risk", f"Plans for {len(found.plans)} futures: {found.name}",
                  {"values": told, "futures": found.by_future, "commitments": found.commitments}, "million USD", notes)


def of_goals_frontier(found: GoalsFrontier) -> Answer:
    """Two goals traded against each other."""
    notes = [f"{len(found.points)} plans, none of which another beats in one goal for nothing; each proven to its gap.",
             "Goals count as in the program: minimised, money in million USD."]
    points = found.points.set_axis(["x", "y", "gap"], axis=1).assign(value="", reason="")
    return Answer("frontier", f"Frontier: {found.second} against {found.first}",
                  {"points": points[["value", "x", "y", "gap", "reason"]]}, found.second, tuple(notes))
