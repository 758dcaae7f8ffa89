"""A model whose rules are kept, not worked out."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo


class RecordedModel(pyo.AbstractModel):  # type: ignore[misc]
    """Sets, parameters and variables as in a ConcreteModel; constraints and objectives stay rules until compiled."""

    def add_component(self, name: str, val: Any) -> None:
        """Add a component as Pyomo does."""
        super().add_component(name, val)
        if val.ctype is pyo.Var:
            val._dense = not val.is_indexed()  # no object for a column before someone asks for it
        if val.ctype not in (pyo.Constraint, pyo.Objective, pyo.Expression) or not hasattr(val, "_rule"):
            val.construct()
