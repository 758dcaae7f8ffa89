"""Why no plan exists: the least set of requirements to give up, in the user's words."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from capacity.problem import Problem
from capacity.solving.compile import Form
from capacity.solving.highs import Deadline, Machine

REQUIREMENTS = {
    "every_demand_is_served_or_short": "demand {0} must be served",
    "limits_hold": "limit {0}",
    "lit_modules_carry_the_traffic": "traffic on link {0}",
    "lit_modules_carry_each_direction": "traffic on link {0}",
    "what_arrives_stays_or_goes_on": "flow {0} must arrive",
    "what_arrives_still_stays_or_goes_on": "flow after a failure, {0}",
    "lit_modules_still_carry_the_traffic": "traffic on a link after a failure, {0}",
    "what_is_served_takes_some_path_left": "a path for what is served after a failure, {0}",
    "what_was_served_still_is": "service after a failure, {0}",
    "blocks_carry_what_stands_in_them": "power for the existing fleet at {0}",
}
"""Rules a user can give up, and how to say so."""

WHOLE = {
    "open": "whole openings", "built": "whole phases", "bought": "whole pods", "modules": "whole link modules",
    "chosen": "demands served from one place only",
}
"""Decisions in whole numbers, and how to say so."""


def whole_decisions(form: Form) -> str:
    """The decisions in whole numbers that a program has, in words."""
    whole = [words for name, words in WHOLE.items() if len(form.labels.get(name, ((), []))[0])]
    return " and ".join(filter(None, [", ".join(whole[:-1]), *whole[-1:]])) or "whole units"


def why_infeasible(problem: Problem, form: Form) -> str:
    """What stands against each other and by how much: the nearest plan's misses; and, where it misses demand that must
    be served, the limits that would have to give way for it (a budget, say)."""
    rules = [(i, name) for i, name in enumerate(form.row_names) if name.split("[")[0] in REQUIREMENTS]
    answer, missed = _nearest(form, rules)
    if answer == "infeasible":
        return "no plan can meet the scenario, and no requirement can be named: the bounds of single decisions clash"
    if missed is None:
        return f"no plan can meet the scenario; the cause was not found, the search for it ended as {answer!r}"
    said = [
        f"{_say(name)} (short by {_amount(problem, name, by, size)})" for name, by, size in missed
    ]
    told = "no plan can meet all of the scenario; the nearest one misses: " + "; ".join(said)
    if any(_is_demand(name) for name, _, _ in missed):
        _, wider = _nearest(form, [(i, name) for i, name in rules if not _is_demand(name)])
        if wider:
            told += ". To serve all that must be served, what stands in the way is: " + "; ".join(
                f"{_say(name)} (too tight by {_amount(problem, name, by, size, 'at')})" for name, by, size in wider)
    return told


def _nearest(form: Form, rules: list[tuple[int, str]]) -> tuple[str, list[tuple[str, float, float]] | None]:
    """(how the search ended, [(rule, moved by, its side)] of at most five rules, the most moved for their size first):
    the least that some rules must give for all others to hold. None where they cannot, or it was not found."""
    at = np.array([i for i, _ in rules], dtype=int)
    ones = np.ones(len(at))
    rows = form.matrix.shape[0]
    up = sp.csr_matrix((ones, (at, np.arange(len(at)))), shape=(rows, len(at)))
    matrix = sp.csr_matrix(sp.hstack([form.matrix, up, -up]))
    machine = Machine(matrix, form.row_lower, form.row_upper)
    slack = 2 * len(at)
    size = np.abs(np.where(np.isfinite(form.row_upper), form.row_upper, form.row_lower))[at]
    price = 1.0 / np.maximum(size, 1e-3)
    machine.set_cost(np.concatenate([np.zeros(form.columns), price, price]))
    machine.set_bounds(
        np.concatenate([form.lower, np.zeros(slack)]), np.concatenate([form.upper, np.full(slack, np.inf)])
    )
    answer = machine.run(Deadline(60.0), {"solver": "choose"})
    if answer.status != "optimal" or answer.x is None:
        return answer.status, None
    moved = answer.x[form.columns : form.columns + len(at)] + answer.x[form.columns + len(at) :]
    worst = np.argsort(-moved * price)[:5]
    return answer.status, [(rules[i][1], float(moved[i]), float(size[i])) for i in worst if moved[i] > 1e-7]


def _is_demand(row_name: str) -> bool:
    return row_name.startswith("every_demand")


def _amount(problem: Problem, row_name: str, by: float, size: float, between: str = "of") -> str:
    """How much of what: `250 of 250 thousand instances`, `$284 million at $2`."""
    limits = problem.table("limits")
    topic = limits.loc[limits["limit"] == row_name.partition("[")[2].rstrip("]"), "topic"]
    if row_name.startswith("limits_hold[") and topic.str.endswith("budget").any():
        return f"{_dollars(by)} {between} {_dollars(size)}"
    return f"{by:,.4g} {between} {size:,.4g}" + (" thousand instances" if _is_demand(row_name) else "")


def _dollars(millions: float) -> str:
    return f"${millions:,.4g} million" if abs(millions) >= 1 else f"${millions * 1e6:,.0f}"


def _say(row_name: str) -> str:
    rule, _, index = row_name.partition("[")
    return REQUIREMENTS[rule].format(index.rstrip("]"))
