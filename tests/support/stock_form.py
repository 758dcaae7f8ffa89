"""What Pyomo's own standard-form compiler makes of a model, and whether our arrays say the same."""

import numpy as np
import pyomo.environ as pyo
import scipy.sparse as sp
from pyomo.core.base.component_namer import index_repr
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler


def names(block, name):
    """Names of all columns or rows of a block, as Pyomo writes them."""
    if not block.space.width:
        return [name] * block.size
    return [name + index_repr(block.index(at)) for at in range(block.size)]


def stock(model):
    """(rows, columns, goals) by name: {row: (lower, upper, {column: coefficient})}, {column: (lower, upper, whole)},
    {goal: (constant, {column: cost})}; coefficients of zero and rows without terms left out."""
    goals = list(model.component_objects(pyo.Objective, active=True))
    made = LinearStandardFormCompiler().write(model, mixed_form=True)
    columns = {
        v.name: (-np.inf if v.lb is None else v.lb, np.inf if v.ub is None else v.ub, not v.is_continuous())
        for v in made.columns
    }
    order, rows = list(columns), {}
    for at, (row, kind, side) in enumerate(zip(*zip(*made.rows, strict=True), made.rhs, strict=True)):
        lower, upper, _ = rows.get(row.name, (-np.inf, np.inf, None))
        lower, upper = (side if kind <= 0 else lower), (side if kind >= 0 else upper)
        rows[row.name] = (lower, upper, _terms(made.A[[at]], order))
    costs = {g.name: (made.c_offset[at], _terms(made.c[[at]], order)) for at, g in enumerate(goals)}
    return {name: row for name, row in rows.items() if row[2]}, columns, costs


def ours(made):
    """The same of `Arrays`; columns in no row and no goal left out, as Pyomo does."""
    order = [n for name, block in made.variables.items() for n in names(block, name)]
    rules = [n for name, block in made.rules.items() for n in names(block, name)]
    matrix = sp.csr_matrix(made.matrix)
    rows = {
        name: (made.row_lower[at], made.row_upper[at], _terms(matrix[[at]], order)) for at, name in enumerate(rules)
    }
    goals = {
        name: (made.offset[name], _terms(sp.csr_matrix(cost[None, :]), order)) for name, cost in made.cost.items()
    }
    used = {c for _, _, terms in rows.values() for c in terms} | {c for _, terms in goals.values() for c in terms}
    columns = {
        name: (made.lower[at], made.upper[at], bool(made.integer[at])) for at, name in enumerate(order) if name in used
    }
    return rows, columns, goals


def _terms(row, order):
    row = sp.coo_matrix(row)
    return {order[c]: v for c, v in zip(row.coords[1], row.data, strict=True) if v != 0}


def assert_same(found, expected):
    """Every row, column and goal of one is that of the other, up to rounding."""
    for mine, theirs in zip(found, expected, strict=True):
        assert set(mine) == set(theirs)
        for name, entry in mine.items():
            for part, other in zip(entry, theirs[name], strict=True):
                if isinstance(part, dict):
                    assert set(part) == set(other), name
                    for key, value in part.items():
                        assert np.isclose(value, other[key], rtol=1e-12, atol=1e-12), (name, key)
                else:
                    assert np.isclose(part, other, rtol=1e-12, atol=1e-9), name
