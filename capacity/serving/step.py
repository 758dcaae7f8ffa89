"""Time of one decode step and of one prefill chunk, as arrays over plans.

Per stage and layer: max(bytes / (eff * bandwidth), FLOPs / (eff * peak)) for the weights' part and for the attention
core apart (roofline; Williams 2009), plus collectives, plus a fixed overhead. Dense weights are streamed once a step; a
MoE layer with T tokens in the step touches E (1 - (1 - k/E)^T) experts in expectation.

A full pipeline moves one stage at a time, so a token needs pp times the slowest stage: pipelining adds throughput,
never takes away latency.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from capacity.serving.architecture import WIDE, Array, Rows
from capacity.serving.collectives import all_reduce_s, all_to_all_s, by_protocol, hand_over_s, own_reduce_s
from capacity.serving.memory import resident_bytes
from capacity.serving.system import Layout, System, stage_share

TINY = np.finfo(float).tiny
PARTS = ("weights", "kv", "flops", "collectives", "overhead")


@dataclass(frozen=True)
class Terms:
    """What of a decode step does not depend on the load, per plan; seconds, or seconds per sequence of a rank."""

    layout: Layout
    fixed: Array
    """Streaming the weights outside the routed experts, all layers."""
    expert: Array
    """Streaming one routed expert's share in every MoE layer."""
    held: Array
    """Routed experts of a layer on the fullest rank; and, next, what their spread over ranks grows with."""
    uneven: Array
    product: Array
    kv: Array
    """Reading the KV of one attended token."""
    index: Array
    core: Array
    """Attention to one token."""
    head_read: Array
    head_product: Array
    few: Array
    """Latency of all collectives by the kernels for few tokens, and what moving a token's bytes adds."""
    few_each: Array
    many: Array
    """The same by the kernels for many tokens."""
    many_each: Array
    overhead: Array
    moved: Array
    """Activations of one sequence between the products of all layers."""
    depth: Array
    """pp times the share of layers on the fullest stage."""
    hops: Array
    hops_each: Array
    end: Array
    end_each: Array
    """Scheduler and sampling of all stages."""

    def take(self, rows: Rows, layout: Layout) -> Terms:
        """The plans at an index or mask, which `layout` are."""
        return Terms(layout, **{name: getattr(self, name)[rows] for name in PER_PLAN})


PER_PLAN = tuple(f.name for f in fields(Terms) if f.name != "layout")
"""Terms with one entry a plan."""


def terms(system: System, layout: Layout) -> Terms:
    """Terms of each plan; worked out once for a layout and its parts."""
    for known, found in layout.memo:
        if known is system and isinstance(found, Terms):
            return found
    made = _taken(system, layout) or _terms(system, layout)
    layout.memo[:] = [(system, made)]
    return made


def _taken(system: System, layout: Layout) -> Terms | None:
    """Terms known for the plans that these were chosen from, or that those were."""
    rows: Rows | None = None
    asked = layout
    while asked.taken is not None:
        asked, chosen = asked.taken
        rows = chosen if rows is None else as_index(chosen)[rows]
        for known, found in asked.memo:
            if known is system and isinstance(found, Terms):
                return found.take(rows, layout)
    return None


def as_index(rows: Rows) -> NDArray[np.intp]:
    """The index that a mask or an index is."""
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, dtype=np.intp)


PROBE = 2.0**20
"""Tokens at which the slope of an affine time is taken."""
SHOTS = (1, 2)
"""Exchanges of an all-reduce for few tokens and for many."""


def _terms(system: System, layout: Layout) -> Terms:
    arch, fit = system.arch, system.fit
    none, many = np.zeros_like(layout.tp), np.full_like(layout.tp, PROBE)
    split = np.minimum(layout.tp, arch.kv_shards) * system.kv_rate
    expert = arch.routed / max(arch.experts, 1) * system.weight_bytes / layout.expert_shards / system.weight_rate
    own = arch.head / layout.tp
    held, uneven = _held_experts(float(arch.experts), layout.ep)
    few, bulk = _collectives_s(system, layout, none)
    few_each, bulk_each = ((probe - at) / PROBE
                           for probe, at in zip(_collectives_s(system, layout, many), (few, bulk), strict=True))
    volume = arch.d_model * WIDE / layout.tp
    hops = hand_over_s(layout.pp, layout.stage, none, system.links)
    return Terms(
        layout=layout, fixed=resident_bytes(system) / layout.tp / system.weight_rate, expert=expert,
        held=held, uneven=uneven,
        product=_matmul_flops(system, layout, np.ones_like(layout.tp)) / system.matmul_rate,
        kv=system.kv_token_bytes / split, index=system.index_token_bytes / split,
        core=arch.decode_core / layout.tp / system.core_rate, head_read=own * WIDE / system.weight_rate,
        head_product=2.0 * own / system.core_rate, few=few,
        few_each=few_each, many=bulk, many_each=bulk_each, overhead=_overhead_s(system) + none,
        moved=_moved_s(system, layout), depth=layout.pp * stage_share(arch, layout), hops=hops,
        hops_each=(hand_over_s(layout.pp, layout.stage, many * volume, system.links) - hops) / PROBE,
        end=layout.pp * fit.step_s * fit.pace, end_each=layout.pp * fit.sequence_s,
    )


def _layers(system: System, known: Terms, sequences: Array, context: Array) -> tuple[Array, ...]:
    """Seconds of memory, of KV, of both with the compute that they overlap with, and of the head; all layers.

    A step that verifies a draft computes several tokens a sequence and reads its KV once.
    """
    arch, tokens = system.arch, sequences * system.verify
    memory = known.fixed
    if arch.experts:
        memory = memory + known.expert * _touched(known.held, known.uneven, arch.active_experts / arch.experts,
                                                  tokens * known.layout.dp)
    attended = arch.attended_tokens(context)
    reading = sequences * system.kv_reads * (attended * known.kv + context * known.index)
    work = roof(memory, tokens * known.product, system.fit.knee)
    attention = roof(reading, tokens * attended * known.core, system.fit.knee)
    return memory, reading, work, attention, np.maximum(known.head_read, tokens * known.head_product)


def decode_parts(system: System, layout: Layout, sequences: Array, context: Array) -> dict[str, Array]:
    """Seconds of one decode step by part; their sum is the time per output token.

    sequences: in flight per attention-DP rank and micro-batch (at least 1); context: tokens each of them attends to on
    average. `weights` and `kv` are memory time, `flops` what compute and moving activations add to it.
    """
    known = terms(system, layout)
    memory, reading, work, attention, head = _layers(system, known, sequences, context)
    links = _links_s(known, sequences * system.verify)
    moved = sequences * system.verify * known.moved
    layers = work + attention + links + known.overhead + moved
    scale = np.maximum(known.depth * layers, layers + head) / (layers + head)
    return {"weights": (memory + head) * scale, "kv": reading * scale,
            "flops": (work - memory + attention - reading + moved) * scale,
            "collectives": links * scale + known.hops + sequences * system.verify * known.hops_each,
            "overhead": known.overhead * scale + known.end + sequences * known.end_each}


def decode_s(system: System, layout: Layout, sequences: Array, context: Array) -> Array:
    """Seconds per output token of a decode-only step."""
    known = terms(system, layout)
    _, _, work, attention, head = _layers(system, known, sequences, context)
    links = _links_s(known, sequences * system.verify)
    layers = work + attention + links + known.overhead + sequences * system.verify * known.moved
    ends = known.end + known.hops + sequences * (known.end_each + system.verify * known.hops_each)
    return np.asarray(np.maximum(known.depth * layers, layers + head) + ends)


def chunk_s(system: System, layout: Layout, tokens: Array, context: Array) -> Array:
    """Seconds of the slowest stage for `tokens` of prefill on every attention-DP rank, attending to `context` each.

    Its launches do not come from a captured graph: the host's work overlaps with the accelerator's, but a short pass
    waits for it.
    """
    arch, fit = system.arch, system.fit
    compute = _matmul_flops(system, layout, tokens) / system.matmul_rate
    memory = _weight_bytes(system, layout, tokens) / system.weight_rate
    core = tokens * arch.attended_tokens(context) * arch.prefill_core / layout.tp / system.core_rate
    reading = _kv_read_bytes(system, context) / np.minimum(layout.tp, arch.kv_shards) / system.kv_rate
    known = terms(system, layout)
    links = _links_s(known, tokens) * (1.0 - fit.overlap)
    overhead = known.overhead + tokens * known.moved
    busy = roof(compute, memory, fit.knee) + roof(core, reading, fit.knee) + links + overhead
    layers = roof(busy, np.asarray(known.overhead * fit.prompt_launches), fit.knee)
    hop = hand_over_s(layout.pp, layout.stage, tokens * arch.d_model * WIDE / layout.tp, system.links) / layout.pp
    return np.asarray(stage_share(arch, layout) * layers + hop + fit.step_s * fit.pace)


def _links_s(known: Terms, tokens: Array) -> Array:
    """Seconds of all layers' collectives for so many tokens of a rank, by the faster kernels."""
    return np.asarray(np.minimum(known.few + tokens * known.few_each, known.many + tokens * known.many_each))


def roof(one: Array, other: Array, order: float) -> Array:
    """Time of two kinds of work that overlap: the norm of that order, never below the longer of the two."""
    high = np.maximum(one, other)
    low = np.minimum(one, other)
    ratio = low / np.maximum(high, TINY)
    return np.asarray(high * (1.0 + ratio**order) ** (1.0 / order))


def touched_experts(experts: float, active: float, tokens: Array, ranks: Array) -> Array:
    """Experts the busiest of `ranks` expert-parallel ranks touches in a layer with `tokens` tokens, routed at random.

    Expectation N (1 - (1 - k/E)^T) of the rank's N = E / ranks experts, plus sqrt(2 ln ranks) standard deviations for
    the busiest rank; never above N.
    """
    return _touched(*_held_experts(experts, ranks), active / experts, tokens)


def _held_experts(experts: float, ranks: Array) -> tuple[Array, Array]:
    """N of the fullest rank, and 2 N ln ranks."""
    own = np.ceil(experts / ranks)
    return own, 2.0 * np.log(ranks) * own


def _touched(own: Array, uneven: Array, active: float, tokens: Array) -> Array:
    with np.errstate(divide="ignore"):  # where all experts are active, the logarithm is minus infinity: all are touched
        share = -np.expm1(tokens * np.log1p(-active))
    spread = np.sqrt(uneven * share * (1.0 - share))
    return np.asarray(np.minimum(own, own * share + spread))


def _weight_bytes(system: System, layout: Layout, tokens: Array) -> Array:
    """Weight bytes one accelerator streams in all layers of a step."""
    arch = system.arch
    total = resident_bytes(system) / layout.tp
    if arch.experts:
        touched = touched_experts(arch.experts, arch.active_experts, tokens * layout.dp, layout.ep)
        total = total + touched * (arch.routed / arch.experts * system.weight_bytes) / layout.expert_shards
    return np.asarray(total)


def _matmul_flops(system: System, layout: Layout, tokens: Array) -> Array:
    """FLOPs one accelerator spends in the layers' matrix products, in units of dense FLOPs (experts run less well)."""
    arch, fit = system.arch, system.fit
    total = 2.0 * tokens * arch.resident / layout.tp
    if arch.experts:
        busiest = 1.0 + (fit.expert_imbalance - 1.0) * (1.0 - 1.0 / layout.ep)
        active = arch.routed * arch.active_experts / arch.experts
        total = total + 2.0 * tokens * active / layout.tp * busiest / fit.expert_matmul
    return total


def _overhead_s(system: System) -> float:
    """Launches and small kernels of all layers in one step."""
    arch, fit = system.arch, system.fit
    latent = arch.layers * fit.latent_layer_s if arch.latent else 0.0
    return ((arch.layers - arch.moe_layers) * fit.layer_s + arch.moe_layers * fit.moe_layer_s + latent) * fit.pace


def _moved_s(system: System, layout: Layout) -> Array:
    """Seconds to read and write one token's activations between the products of all layers.

    Every rank moves the residual stream around attention and FFN; in a MoE layer also a copy of it for each of the k
    experts of a token, as many as fall to one of the ranks. The widths inside (queries, keys and values, heads'
    outputs, the FFN's inner width) are split by tp; a product of d by w holds d w parameters and each such width stands
    between two, so that they add up to the parameters at work / 2 d.
    """
    arch = system.arch
    copies = arch.layers + arch.moe_layers * arch.active_experts * layout.dp / layout.ep
    at_work = arch.resident + (arch.routed * arch.active_experts / arch.experts if arch.experts else 0.0)
    widths = copies * arch.d_model + at_work / (2.0 * arch.d_model * layout.tp)
    return np.asarray(system.fit.activation_passes * widths * WIDE / system.weight_rate)


def _kv_read_bytes(system: System, context: Array) -> Array:
    return system.arch.attended_tokens(context) * system.kv_token_bytes + context * system.index_token_bytes


def _collectives_s(system: System, layout: Layout, tokens: Array) -> list[Array]:
    """All layers' collectives, by the kernels of one shot and of two: two all-reduces over tp; with attention-DP the
    experts' one becomes two all-to-all.

    Dispatch carries one byte a value, combine two; a token goes to at most min(k, ep) ranks of expert_shards each.
    """
    arch, links = system.arch, system.links
    volume = tokens * arch.d_model * WIDE
    reduces = _reduce_s(system, layout, volume)
    if not arch.experts:
        return [2.0 * arch.layers * reduce for reduce in reduces]
    fan_out = np.minimum(arch.active_experts, layout.ep) * layout.expert_shards
    sent = volume / layout.tp * fan_out
    twice = all_to_all_s(layout.stage, np.zeros_like(sent), links) * 2.0
    moving = all_to_all_s(layout.stage, sent / WIDE, links) + all_to_all_s(layout.stage, sent, links) - twice
    made = []
    for reduce, shots in zip(reduces, SHOTS, strict=True):
        experts = np.where(layout.dp > 1, by_protocol(twice, moving, links.bulk, shots), reduce)
        made.append((2.0 * arch.layers - arch.moe_layers) * reduce + arch.moe_layers * experts)
    return made


def _reduce_s(system: System, layout: Layout, volume: Array) -> list[Array]:
    """One all-reduce over tp by one shot and by two: by the engine's own kernel, or by NCCL where it has none."""
    links = system.links
    if system.reduce_s is not None:
        return [own_reduce_s(layout.tp, volume, links, system.reduce_s, shots) for shots in SHOTS]
    called = system.fit.library_latency
    latency = all_reduce_s(layout.tp, np.zeros_like(volume), links, called)
    moving = all_reduce_s(layout.tp, volume, links, called) - latency
    return [by_protocol(latency, moving, links.bulk, shots) for shots in SHOTS]
