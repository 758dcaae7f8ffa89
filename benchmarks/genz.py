"""GenZ (PyPI `genz-llm`) as a peer of `benchmarks.serving`: its estimates of our plans' decode steps.

GenZ is a roofline over operators with one efficiency for all of them and no calibration; it takes any architecture and
any chip by their numbers, so what it is asked needs no names of its own. Latent attention and sliding windows it does
not know.
"""

from __future__ import annotations

import contextlib
import io
import time
import warnings
from importlib.util import find_spec

import numpy as np

from capacity.errors import InputError

PACKAGE = "GenZ"
MILLI = 1e-3
BITS = {"fp4": "fp4", "int4": "int4", "fp8": "fp8", "int8": "int8", "bf16": "bf16", "fp16": "bf16"}


def installed():
    return find_spec(PACKAGE) is not None


def model_of(card):
    """The card as GenZ's configuration; InputError for attention that it does not know."""
    if card.attention == "mla" or card.attention_reads or card.sliding_window:
        raise InputError(f"GenZ: {card.id}: it does not know this attention")
    from GenZ.Models.default_models import ModelConfig

    experts = {}
    if card.experts_total:
        experts = {"num_experts": card.experts_total, "expert_top_k": card.experts_active,
                   "moe_intermediate_size": card.d_ff_expert, "moe_layer_freq": 1}
    return ModelConfig(model=card.id, vocab_size=card.vocab, hidden_size=card.d_model,
                       intermediate_size=card.d_ff_dense or card.d_ff_expert, num_ffi=card.ffn_matrices - 1,
                       num_decoder_layers=card.layers, num_attention_heads=card.heads, head_dim=card.head_dim,
                       num_key_value_heads=card.kv_heads, **experts)


def chip_of(chip):
    """The accelerator by its datasheet, at 16 bits; GenZ scales the rate by the precision itself."""
    return {"Flops": chip.tflops("bf16"), "Memory_size": chip.memory_usable_gb, "Memory_BW": chip.memory_bandwidth_gb_s,
            "ICN": chip.scale_up_gb_s, "real_values": True}


def tpot_s(model, chip, plan, context, precision):
    """Seconds of one decode step of a row of a frontier, its batch at a mean context."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from GenZ import decode_moddeling

        tp, pp, ep = (int(plan[name]) for name in ("tp", "pp", "ep"))
        found = decode_moddeling(
            model=model, batch_size=max(round(plan["batch"] / plan["dp"]), 1), input_tokens=round(context),
            output_tokens=0, Bb=1, system_name=chip, bits=BITS[precision], tensor_parallel=tp, pipeline_parallel=pp,
            expert_parallel=ep, parallelism_heirarchy=f"TP{{{tp}}}_EP{{{ep}}}_PP{{{pp}}}", model_offload=True)
    return found["Latency"] * MILLI


def asked(card, chip, plans, context, precision):
    """(estimates per CPU second of plans, after a first one that loads it; median of its TPOT against the plans')."""
    model, system = model_of(card), chip_of(chip)
    tpot_s(model, system, plans.iloc[0], context, precision)
    start = time.process_time()
    found = [tpot_s(model, system, plan, context, precision) for plan in plans.to_dict("records")]
    return len(plans) / (time.process_time() - start), float(np.median(found / plans["tpot_s"].to_numpy()))
