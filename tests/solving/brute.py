"""The optimum by counting out every whole-number choice, with a linear program by SciPy for the rest."""

import itertools

import numpy as np
from scipy.optimize import linprog

from capacity.formulation import build_model
from capacity.solving.compile import compile_model

MOST = 200_000


def brute_force(problem, room=1e-7):
    """Objectives of the goals in their order (lexicographic), constants included; None where nothing is feasible."""
    form = compile_model(build_model(problem))
    choices, kept, values = _choices(form), [], []
    for cost in form.cost.values():
        worth = [(_rest(form, cost, choice, kept), choice) for choice in choices]
        worth = [(value, choice) for value, choice in worth if value is not None]
        if not worth:
            return None
        values.append(min(value for value, _ in worth))
        most = values[-1] + room * max(1.0, abs(values[-1]))
        kept.append((cost, most))
        choices = [choice for value, choice in worth if value <= most]
    return [value + form.offset[goal] for goal, value in zip(form.cost, values, strict=True)]


def counted(form):
    """(every choice of the whole columns that can be had, what each costs at least) by the first goal, its constant
    included."""
    cost, offset = next(iter(form.cost.values())), next(iter(form.offset.values()))
    worth = [(choice, _rest(form, cost, choice, [])) for choice in _choices(form)]
    return ([choice for choice, value in worth if value is not None],
            np.array([value + offset for _, value in worth if value is not None]))


def _choices(form):
    """Every combination of the whole columns that no row forbids whatever the others do."""
    whole = np.flatnonzero(form.integer)
    ranges = [np.arange(form.lower[j], form.upper[j] + 0.5) for j in whole]
    count = int(np.prod([len(r) for r in ranges])) if ranges else 1
    assert count <= MOST, f"{count} combinations are too many to count out"
    points = np.array(list(itertools.product(*ranges)), dtype=float).reshape(count, len(whole))
    matrix = form.matrix.toarray()
    others = ~form.integer
    up, down = np.maximum(matrix[:, others], 0), np.minimum(matrix[:, others], 0)
    with np.errstate(invalid="ignore"):
        low, high = form.lower[others], form.upper[others]
        least = np.nansum(np.where(up, up * low, 0), axis=1) + np.nansum(np.where(down, down * high, 0), axis=1)
        most = np.nansum(np.where(up, up * high, 0), axis=1) + np.nansum(np.where(down, down * low, 0), axis=1)
    activity = points @ matrix[:, whole].T
    within = (activity + least <= form.row_upper + 1e-9) & (activity + most >= form.row_lower - 1e-9)
    return list(points[within.all(axis=1)])


def _rest(form, cost, choice, earlier):
    """Least cost with the whole columns fixed, or None when that is infeasible."""
    lower, upper = form.lower.copy(), form.upper.copy()
    lower[form.integer] = upper[form.integer] = choice
    matrix = form.matrix.toarray()
    equal = form.row_lower == form.row_upper
    above, below = np.isfinite(form.row_upper) & ~equal, np.isfinite(form.row_lower) & ~equal
    rows = [matrix[above], -matrix[below], *(c[None, :] for c, _ in earlier)]
    sides = [form.row_upper[above], -form.row_lower[below], *([v] for _, v in earlier)]
    answer = linprog(
        cost, np.vstack(rows), np.concatenate(sides), matrix[equal], form.row_lower[equal],
        np.column_stack([lower, upper]), method="highs",
    )
    assert answer.status in (0, 2), answer.message
    return float(answer.fun) if answer.status == 0 else None
