"""From cards and options to a cell: systems with their draft, precisions on offer, and what branches share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard
from capacity.serving.architecture import bytes_of
from capacity.serving.calibration import Calibration
from capacity.serving.modes import Modes
from capacity.serving.plans import Cell
from capacity.serving.speculative import Speculation, accepted_tokens
from capacity.serving.system import Draft, System, system
from capacity.serving.workload import Slo, Workload

EVERY = "any"


def cell_of(model: ModelCard, accelerator: Accelerator, links: Interconnect, workload: Workload, slo: Slo, weights: str,
            kv: str, calibration: Calibration | None, modes: Modes) -> Cell:
    """The question of one frontier at one pair of precisions."""
    plain = system(model, accelerator, links, weights=weights, kv=kv, calibration=calibration)
    reads = shared_reads(plain, workload) if modes.shared_prefix else 1.0
    made = plain if reads == 1.0 else replace(plain, kv_reads=reads)
    if modes.speculation is not None:
        other = modes.speculation.model
        drafting = made if other is None else system(other, accelerator, links, weights=weights, kv=kv,
                                                     calibration=calibration)
        made = _speculating(made, drafting, modes.speculation)
    return Cell(made, workload, slo, modes)


def _speculating(plain: System, drafting: System, how: Speculation) -> System:
    draft = Draft(how.drafted, accepted_tokens(how.drafted, how.acceptance), 1.0 if how.cost is None else how.cost,
                  drafting, how.model is not None)
    return replace(plain, verify=how.drafted + 1.0, draft=draft)


def shared_reads(plain: System, workload: Workload) -> float:
    """Share of a branch's KV read that is left when the prompt is read once for all branches of an instance.

    A branch attends to the prompt and to its own answer so far; the kernel computes attention to the prompt once for
    the queries of all branches (Hydragen, arXiv 2402.05099; cascade attention of FlashInfer, arXiv 2501.01005).
    """
    whole = float(plain.arch.attended_tokens(np.array([workload.context_mean]))[0])
    own = min(workload.own_context, whole)
    return (own + (whole - own) / workload.branches) / whole


def precisions(accelerator: Accelerator, weights: str, kv: str) -> list[tuple[str, str]]:
    """Pairs of precisions to try. `any` weights: 16 bits and what the chip computes in; `any` KV: bf16 and fp8."""
    if weights == EVERY:
        native = {"fp8": accelerator.fp8_tflops, "fp4": accelerator.fp4_tflops, "int8": accelerator.int8_tops}
        formats = ["bf16", *(name for name, rate in native.items() if rate)]
    else:
        formats = [name.strip() for name in weights.split(",")]
    cached = ["bf16", "fp8"] if kv == EVERY else [name.strip() for name in kv.split(",")]
    for name in (*formats, *cached):
        bytes_of(name)
    return [(w, k) for w in formats for k in cached]
