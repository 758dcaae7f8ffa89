"""Serving: one model copy on some accelerators - memory, time, throughput, power - and the search over its shardings.

    frontier(model, accelerator, interconnect, workload, slo) -> the Pareto-best sharding plans, one row each
"""

from capacity.serving.architecture import Architecture, architecture, kv_bytes, weight_bytes
from capacity.serving.calibration import Calibration, default_calibration
from capacity.serving.explain import cost_per_million_tokens, step_budget, why_empty
from capacity.serving.load import Slo, Workload
from capacity.serving.search import FRONTIER_COLUMNS, frontier

__all__ = [
    "FRONTIER_COLUMNS", "Architecture", "Calibration", "Slo", "Workload", "architecture", "cost_per_million_tokens",
    "default_calibration", "frontier", "kv_bytes", "step_budget", "weight_bytes", "why_empty",
]
