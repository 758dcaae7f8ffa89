"""Time of one decode step and of one prefill chunk, as arrays over plans.

Per stage and layer: max(bytes / (eff * bandwidth), FLOPs / (eff * peak)) for the weights' part and for the attention
core apart (roofline; Williams 2009), plus collectives, plus a fixed overhead. Dense weights are streamed once a step; a
MoE layer with T tokens in the step touches E (1 - (1 - k/E)^T) experts in expectation.

A full pipeline moves one stage at a time, so a token needs pp times the slowest stage: pipelining adds throughput,
never takes away latency.
"""

from __future__ import annotations

import numpy as np

from capacity.serving.architecture import WIDE, Array
from capacity.serving.collectives import all_reduce_s, all_to_all_s, hand_over_s
from capacity.serving.system import Layout, System, stage_share

PARTS = ("weights", "kv", "flops", "collectives", "overhead")


def decode_parts(system: System, layout: Layout, sequences: Array, context: Array) -> dict[str, Array]:
    """Seconds of one decode step by part; their sum is the time per output token.

    sequences: in flight per attention-DP rank and micro-batch (at least 1); context: tokens each of them attends to on
    average. `weights` and `kv` are memory time, `flops` what compute adds to it.
    """
    arch, fit = system.arch, system.fit
    kv_bytes = sequences * _kv_read_bytes(system, context) / np.minimum(layout.tp, arch.kv_shards)
    memory = _weight_bytes(system, layout, sequences) / system.weight_rate
    compute = _matmul_flops(system, layout, sequences) / system.matmul_rate
    core = sequences * arch.attended_tokens(context) * arch.decode_core / layout.tp / system.core_rate
    reading = kv_bytes / system.kv_rate
    head = _head_s(system, layout, sequences)
    links = _collectives_s(system, layout, sequences)
    overhead = (arch.layers - arch.moe_layers) * fit.layer_s + arch.moe_layers * fit.moe_layer_s
    flops = np.maximum(compute - memory, 0.0) + np.maximum(core - reading, 0.0)
    layers = memory + reading + flops + links + overhead
    scale = np.maximum(layout.pp * stage_share(arch, layout) * layers, layers + head) / (layers + head)
    volume = sequences * arch.d_model * WIDE / layout.tp
    hops = hand_over_s(layout.pp, layout.stage, volume, system.links)
    return {"weights": (memory + head) * scale, "kv": reading * scale, "flops": flops * scale,
            "collectives": links * scale + hops, "overhead": overhead * scale + layout.pp * fit.step_s}


def decode_s(system: System, layout: Layout, sequences: Array, context: Array) -> Array:
    """Seconds per output token of a decode-only step."""
    parts = decode_parts(system, layout, sequences, context)
    return parts["weights"] + parts["kv"] + parts["flops"] + parts["collectives"] + parts["overhead"]


def chunk_s(system: System, layout: Layout, tokens: Array, context: Array) -> Array:
    """Seconds of the slowest stage for `tokens` of prefill on every attention-DP rank, attending to `context` each."""
    arch, fit = system.arch, system.fit
    compute = _matmul_flops(system, layout, tokens) / system.matmul_rate
    memory = _weight_bytes(system, layout, tokens) / system.weight_rate
    core = tokens * arch.attended_tokens(context) * arch.prefill_core / layout.tp / system.core_rate
    reading = _kv_read_bytes(system, context) / np.minimum(layout.tp, arch.kv_shards) / system.kv_rate
    links = _collectives_s(system, layout, tokens) * (1.0 - fit.overlap)
    overhead = (arch.layers - arch.moe_layers) * fit.layer_s + arch.moe_layers * fit.moe_layer_s
    layers = np.maximum(compute, memory) + np.maximum(core, reading) + links + overhead
    hop = hand_over_s(layout.pp, layout.stage, tokens * arch.d_model * WIDE / layout.tp, system.links) / layout.pp
    return np.asarray(stage_share(arch, layout) * layers + hop + fit.step_s)


def touched_experts(experts: float, active: float, tokens: Array, ranks: Array) -> Array:
    """Experts the busiest of `ranks` expert-parallel ranks touches in a layer with `tokens` tokens, routed at random.

    Expectation N (1 - (1 - k/E)^T) of the rank's N = E / ranks experts, plus sqrt(2 ln ranks) standard deviations for
    the busiest rank; never above N.
    """
    own = np.ceil(experts / ranks)
    share = 1.0 - (1.0 - active / experts) ** tokens
    spread = np.sqrt(2.0 * np.log(ranks) * own * share * (1.0 - share))
    return np.minimum(own, own * share + spread)


def _weight_bytes(system: System, layout: Layout, tokens: Array) -> Array:
    """Weight bytes one accelerator streams in all layers of a step."""
    arch = system.arch
    total = arch.resident / layout.tp
    if arch.experts:
        touched = touched_experts(arch.experts, arch.active_experts, tokens * layout.dp, layout.ep)
        total = total + touched * (arch.routed / arch.experts) / layout.expert_shards
    return total * system.weight_bytes


def _matmul_flops(system: System, layout: Layout, tokens: Array) -> Array:
    """FLOPs one accelerator spends in the layers' matrix products, in units of dense FLOPs (experts run less well)."""
    arch, fit = system.arch, system.fit
    total = 2.0 * tokens * arch.resident / layout.tp
    if arch.experts:
        busiest = 1.0 + (fit.expert_imbalance - 1.0) * (1.0 - 1.0 / layout.ep)
        active = arch.routed * arch.active_experts / arch.experts
        total = total + 2.0 * tokens * active / layout.tp * busiest / fit.expert_matmul
    return total


def _kv_read_bytes(system: System, context: Array) -> Array:
    return system.arch.attended_tokens(context) * system.kv_token_bytes + context * system.index_token_bytes


def _head_s(system: System, layout: Layout, tokens: Array) -> Array:
    """Output projection at 16 bits, split over tp."""
    own = system.arch.head / layout.tp
    return np.maximum(own * WIDE / system.weight_rate, 2.0 * tokens * own / system.core_rate)


def _collectives_s(system: System, layout: Layout, tokens: Array) -> Array:
    """All layers' collectives: two all-reduces over tp; with attention-DP the experts' one becomes two all-to-all.

    Dispatch carries one byte a value, combine two; a token goes to at most min(k, ep) ranks of expert_shards each.
    """
    arch, links = system.arch, system.links
    volume = tokens * arch.d_model * WIDE
    reduce = all_reduce_s(layout.tp, volume, links)
    if not arch.experts:
        return 2.0 * arch.layers * reduce
    fan_out = np.minimum(arch.active_experts, layout.ep) * layout.expert_shards
    sent = volume / layout.tp * fan_out
    exchange = all_to_all_s(layout.stage, sent / WIDE, links) + all_to_all_s(layout.stage, sent, links)
    experts = np.where(layout.dp > 1, exchange, reduce)
    return np.asarray((2.0 * arch.layers - arch.moe_layers) * reduce + arch.moe_layers * experts)
