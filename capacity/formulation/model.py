"""Table of contents of the mixed-integer program."""

from __future__ import annotations

import pyomo.environ as pyo

from capacity.formulation import (
    batch,
    closing,
    companions,
    contracts,
    energy,
    fleet,
    flows,
    goals,
    hose,
    limits,
    links,
    rerouting,
    service,
    sites,
    stability,
    survivability,
)
from capacity.problem import Problem


def build_model(problem: Problem, into: pyo.Model | None = None) -> pyo.Model:
    """The whole program for one problem, with one objective per goal: in a ConcreteModel, or in the model given.

    Units are those of the problem's tables. Raises InputError where tables contradict each other.
    """
    m = pyo.ConcreteModel() if into is None else into
    m.name = problem.name or "capacity"
    m.PERIOD = pyo.Set(initialize=problem.table("periods")["period"].tolist(), ordered=True)
    m.SLICE = pyo.Set(initialize=problem.table("slices")["slice"].tolist(), ordered=True)
    sites.declare(m, problem)
    closing.declare(m, problem)
    fleet.declare(m, problem)
    energy.declare(m, problem)
    service.declare(m, problem)
    batch.declare(m, problem)
    closing.declare_service(m, problem)
    companions.declare(m, problem)
    stability.declare(m, problem)
    flows.declare(m, problem)
    failures = survivability.states(problem)
    hose.declare(m, problem, failures)
    links.declare(m, problem)
    if failures:
        survivability.declare(m, problem, failures)
        rerouting.declare(m, problem, failures)
    contracts.declare_orders(m, problem)
    limits.declare(m, problem)
    goals.declare(m, problem)
    return m
