"""The optimum by one plain branch and bound a goal, through SciPy: another route than ours to the same numbers."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from capacity.formulation import build_model
from capacity.solving.compile import compile_model


def milp_optimum(problem, room=1e-6):
    """Objectives of the goals in their order (lexicographic), constants included; None where nothing is feasible."""
    form = compile_model(build_model(problem))
    rows, values = [LinearConstraint(form.matrix, form.row_lower, form.row_upper)], []
    for goal, cost in form.cost.items():
        answer = milp(
            cost, integrality=form.integer.astype(int), bounds=Bounds(form.lower, form.upper), constraints=rows,
            options={"mip_rel_gap": 0.0},
        )
        if answer.status == 2:
            return None
        assert answer.status == 0, answer.message
        rows.append(LinearConstraint(cost[None, :], -np.inf, answer.fun + room * max(1.0, abs(answer.fun))))
        values.append(answer.fun + form.offset[goal])
    return values
