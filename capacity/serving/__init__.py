"""Serving: one model copy on some accelerators - memory, time, throughput, power - and the search over its shardings.

    frontier(model, accelerator, interconnect, workload, slo) -> the Pareto-best sharding plans, one row each
    frontiers(model, [(accelerator, interconnect), ...], workload, slo) -> the same on each of several accelerators
"""

from capacity.serving.architecture import Architecture, architecture, kv_bytes, weight_bytes
from capacity.serving.budget import first_token_budget, step_budget
from capacity.serving.calibration import Calibration, calibration_of, default_calibration
from capacity.serving.explain import cost_per_million_tokens, serves_as, why_empty
from capacity.serving.modes import Modes
from capacity.serving.search import FRONTIER_COLUMNS, frontier, frontiers
from capacity.serving.speculative import Speculation
from capacity.serving.workload import Slo, Workload

__all__ = [
    "FRONTIER_COLUMNS", "Architecture", "Calibration", "Modes", "Slo", "Speculation", "Workload", "architecture",
    "calibration_of", "cost_per_million_tokens", "default_calibration", "first_token_budget", "frontier", "frontiers",
    "kv_bytes", "serves_as", "step_budget", "weight_bytes", "why_empty",
]
