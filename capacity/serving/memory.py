"""What one accelerator must hold: weights, activations, KV."""

from __future__ import annotations

import numpy as np

from capacity.serving.architecture import WIDE, Array
from capacity.serving.system import Layout, System, stage_share


def resident_bytes(system: System) -> float:
    """Bytes of the layers' weights outside the routed experts, whole model."""
    arch = system.arch
    return arch.attention * system.attention_bytes + (arch.resident - arch.attention) * system.weight_bytes


def weight_bytes(system: System, layout: Layout) -> Array:
    """Weight bytes on the fullest accelerator; experts that do not divide evenly are held by the fuller ranks."""
    arch = system.arch
    own = resident_bytes(system) / layout.tp
    if arch.experts:
        expert = arch.routed / arch.experts * system.weight_bytes
        own = own + np.ceil(arch.experts / layout.ep) * expert / layout.expert_shards
    tables = arch.embedding if arch.tied else arch.embedding + arch.head
    ends = np.where(layout.pp > 1, arch.embedding, tables)
    return own * stage_share(arch, layout) + ends * WIDE / layout.tp


def activation_bytes(system: System, layout: Layout) -> Array:
    """Working memory of one prefill chunk: residual stream and its copy, query and output, the FFN's inner width."""
    arch = system.arch
    return np.asarray(system.fit.chunk_tokens * WIDE * (2 * arch.d_model + 2 * (arch.d_model + arch.d_ff) / layout.tp))


def kv_sequence_bytes(system: System, layout: Layout, context: Array) -> Array:
    """KV bytes per accelerator of one sequence of `context` tokens; replicated where tp exceeds the KV heads."""
    whole = system.arch.stored_tokens(context) * system.kv_token_bytes + context * system.index_kept_bytes
    return whole * stage_share(system.arch, layout) / np.minimum(layout.tp, system.arch.kv_shards)


def kv_room(system: System, layout: Layout) -> Array:
    """Bytes per accelerator left for KV; 0 where weights and activations already exceed the memory."""
    return np.maximum(system.memory_bytes - weight_bytes(system, layout) - activation_bytes(system, layout), 0.0)
