"""Other estimators beside ours, each behind one function: what they say of the plans that our search found.

`aiconfigurator` interpolates kernels measured on its systems. It is an extra: `pip install 'capacity[aiconfigurator]'`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalogue.cards import Accelerator, ModelCard
from capacity.errors import InputError, nearest
from capacity.serving.workload import Workload

AICONFIGURATOR = "aiconfigurator"
BACKENDS = (AICONFIGURATOR,)
QUANTS = {"bf16": "bfloat16", "fp16": "bfloat16", "fp8": "fp8", "fp4": "nvfp4", "int8": "int8_wo", "int4": "int4_wo"}
"""Its names of weight precisions."""
MILLI = 1e-3


def with_backend(found: pd.DataFrame, name: str, card: ModelCard, chip: Accelerator,
                 workload: Workload) -> pd.DataFrame:
    """Rows of a frontier with columns backend_ttft_s, backend_tpot_s and backend_note.

    The note says why a row has no estimate: NaN then. Raises InputError for an unknown backend, for one that is not
    installed, and for a model or an accelerator that it does not know.
    """
    if name not in BACKENDS:
        raise InputError(f"--backend: `{name}` is not one of {', '.join(BACKENDS)}; "
                         f"nearest: {nearest(name, list(BACKENDS)) or 'none'}")
    other = aiconfigurator_of(card, chip)
    answers = [_estimate(other, row, workload) for _, row in found.iterrows()]
    ttft, tpot, notes = zip(*answers, strict=True) if answers else ((), (), ())
    return found.assign(backend_ttft_s=np.array(ttft, dtype=float), backend_tpot_s=np.array(tpot, dtype=float),
                        backend_note=list(notes))


@dataclass(frozen=True)
class Peer:
    """aiconfigurator for one model on one kind of accelerator."""

    card: ModelCard
    estimate: Callable[..., Any]
    model: str
    system: str

    def ask(self, weights: str, kv: str, batch: float, *, tp: int, pp: int, ep: int, dp: int,
            **more: object) -> tuple[float, float, str]:
        """(TTFT, TPOT, why not): seconds at its mean, continuous batching of `batch` sequences over dp ranks.

        more: isl, osl and whatever else it takes. Weights as published are left to it, as it knows their blocks.
        """
        given: dict[str, object] = {"kvcache_quant_mode": QUANTS[kv]}
        if weights != self.card.native_precision:
            given["gemm_quant_mode"] = QUANTS[weights]
        if self.card.experts_total:
            given |= {"moe_ep_size": ep, "moe_tp_size": tp * dp // ep}
        try:
            answer = self.estimate(self.model, self.system, mode="agg", batch_size=max(round(batch / dp), 1),
                                   tp_size=tp, pp_size=pp, attention_dp_size=dp, **given, **more)
        except Exception as error:  # whatever the other package raises is its answer to this row
            return np.nan, np.nan, " ".join(str(error).split()) or type(error).__name__
        return answer.ttft * MILLI, answer.tpot * MILLI, ""


def aiconfigurator_of(card: ModelCard, chip: Accelerator) -> Peer:
    """Its estimator with its names of the model and the system; InputError where it is absent or lacks one."""
    if find_spec(AICONFIGURATOR) is None:
        raise InputError("--backend aiconfigurator: the package is not installed; "
                         "pip install 'capacity[aiconfigurator]'")
    logging.getLogger(AICONFIGURATOR).setLevel(logging.ERROR)
    logging.getLogger("aiconfigurator_core").setLevel(logging.ERROR)
    estimate: Callable[..., Any] = import_module("aiconfigurator.cli.api").cli_estimate
    root = Path(str(import_module("aiconfigurator_core").__file__)).parent
    models = [path.name.removesuffix("_config.json").replace("--", "/")
              for path in sorted((root / "model_configs").glob("*_config.json"))]
    systems = [path.stem for path in sorted((root / "systems").glob("*.yaml"))]
    return Peer(card, estimate, _model(card, models), _system(chip, systems))


def _model(card: ModelCard, known: list[str]) -> str:
    """The known model with the card's id, name or one of its aliases, whoever published it."""
    mine = {name.rpartition("/")[2].casefold() for name in (card.id, card.name, *card.aliases)}
    found = next((name for name in known if name.rpartition("/")[2].casefold() in mine), None)
    if found is None:
        raise InputError(f"--backend aiconfigurator: it has no model `{card.id}`; "
                         f"nearest: {nearest(card.name, known, 0.3) or 'none'}")
    return found


def _system(chip: Accelerator, known: list[str]) -> str:
    """The known system whose name the accelerator's begins with, or the other way round."""
    mine = chip.id.replace("-", "_")
    found = [name for name in known if mine.startswith(name) or name.startswith(mine)]
    if not found:
        raise InputError(f"--backend aiconfigurator: it has no system `{chip.id}`; systems: {', '.join(known)}")
    return max(found, key=len)


def _estimate(other: Peer, row: pd.Series, workload: Workload) -> tuple[float, float, str]:
    """(TTFT, TPOT, why not) of a row of a frontier, with our batch."""
    if row["mode"] != "plain":
        return np.nan, np.nan, f"{row['mode']}: not one of its modes"
    sharding = {name: int(row[name]) for name in ("tp", "pp", "ep", "dp")}
    return other.ask(row["weights"], row["kv"], row["batch"], **sharding,
                     isl=round(workload.prefix + workload.fresh_per_turn), prefix=round(workload.prefix),
                     osl=max(round(workload.output_per_turn), 2))
