"""The plan of tests/plan, on paper."""

from tests.plan.conftest import plan, problem, solution, values

__all__ = ["plan", "problem", "solution", "values"]
