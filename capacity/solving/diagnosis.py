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
    """One sentence naming the requirements that stand against each other and by how much."""
    rules = [(i, name) for i, name in enumerate(form.row_names) if name.split("[")[0] in REQUIREMENTS]
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
    if answer.status == "infeasible":
        return "no plan can meet the scenario, and no requirement can be named: the bounds of single decisions clash"
    if answer.status != "optimal" or answer.x is None:
        return f"no plan can meet the scenario; the cause was not found, the search for it ended as {answer.status!r}"
    moved = answer.x[form.columns : form.columns + len(at)] + answer.x[form.columns + len(at) :]
    worst = np.argsort(-moved * price)[:5]
    said = [
        f"{_say(rules[i][1])} (short by {moved[i]:,.4g} of {size[i]:,.4g}{_unit(rules[i][1])})"
        for i in worst if moved[i] > 1e-7
    ]
    return "no plan can meet all of the scenario; the nearest one misses: " + "; ".join(said)


def _unit(row_name: str) -> str:
    return " thousand instances" if row_name.startswith("every_demand") else ""


def _say(row_name: str) -> str:
    rule, _, index = row_name.partition("[")
    return REQUIREMENTS[rule].format(index.rstrip("]"))
