"""Expected LP files: the whole program of one tiny problem as text, so that a change of the mathematics is seen.

    CAPACITY_REGENERATE_GOLDEN=1 pytest tests/formulation        writes them anew; read the difference before committing
"""

import io
import os
from pathlib import Path

import pyomo.environ as pyo
from pyomo.repn.plugins.lp_writer import LPWriter
from pyomo.repn.util import FileDeterminism

from capacity.formulation import build_model
from capacity.solving.compiler import RecordedModel, arrays
from tests.support.stock_form import assert_same, ours, stock

FOLDER = Path(__file__).parent / "golden"


def lp_text(problem, goal):
    """LP file of a problem with one of its goals, names spelled out, rows and columns in order of their names."""
    model = build_model(problem)
    for objective in model.component_objects(pyo.Objective):
        objective.deactivate()
    model.component(f"goal_{goal}").activate()
    text = io.StringIO()
    LPWriter().write(model, text, symbolic_solver_labels=True, file_determinism=FileDeterminism.SORT_SYMBOLS)
    return text.getvalue()


def check_golden(name, problem, goal="cost"):
    """Compare with `golden/NAME.lp`, or write it when asked to; and the arrays with stock Pyomo's."""
    assert_same(ours(arrays(build_model(problem, RecordedModel()), row_by_row=True)), stock(build_model(problem)))
    path, text = FOLDER / f"{name}.lp", lp_text(problem, goal)
    if os.environ.get("CAPACITY_REGENERATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"the program of {name} has changed; see golden.py"
