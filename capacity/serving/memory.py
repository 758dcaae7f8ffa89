"""What one accelerator must hold: weights, activations, KV."""

from __future__ import annotations

import numpy as np

from capacity.serving.architecture import WIDE, Array
from capacity.serving.system import Layout, System, stage_share


def resident_bytes(system: System) -> float:
    """Bytes of the layers' weights outside the routed experts, whole model."""
    arch = system.arch
    return arch.attention * system.attention_bytes + (arch.resident - arch.attention) * system.weight_bytes


def layers_bytes(system: System, layout: Layout) -> Array:
    """Bytes of all layers' weights as one accelerator of each stage would hold them together."""
    arch = system.arch
    own = resident_bytes(system) / layout.tp
    if arch.experts:
        expert = arch.routed / arch.experts * system.weight_bytes
        own = own + np.ceil(arch.experts / layout.ep) * expert / layout.expert_shards
    return own


def stage_layers(system: System, layout: Layout) -> tuple[Array, Array]:
    """Layers of the fullest stage, and how many of them are fetched anew in each pass."""
    layers = np.ceil(system.arch.layers / layout.pp)
    if layout.stream is None:
        return layers, np.zeros_like(layers)
    return layers, np.ceil(layers * layout.stream.share)


def weight_bytes(system: System, layout: Layout) -> Array:
    """Weight bytes on the fullest accelerator; experts that do not divide evenly are held by the fuller ranks.

    Layers that are fetched anew in each pass take no more than the room for those under way.
    """
    arch = system.arch
    tables = arch.embedding if arch.tied else arch.embedding + arch.head
    ends = np.where(layout.pp > 1, arch.embedding, tables)
    own = layers_bytes(system, layout) * stage_share(arch, layout)
    if layout.stream is not None:
        layers, fetched = stage_layers(system, layout)
        own = own * (1.0 - (fetched - np.minimum(fetched, layout.stream.slots)) / layers)
    return own + ends * WIDE / layout.tp


def fetched_bytes(system: System, layout: Layout) -> Array:
    """Weight bytes that one accelerator fetches in each pass."""
    layers, fetched = stage_layers(system, layout)
    return layers_bytes(system, layout) * stage_share(system.arch, layout) * fetched / layers


def waiting_bytes(system: System, layout: Layout) -> Array:
    """Bytes of host RAM per accelerator in which weights wait to be fetched."""
    if layout.stream is None:
        return np.zeros_like(layout.tp)
    return np.where(layout.stream.in_host, fetched_bytes(system, layout), 0.0)


def draft_bytes(system: System, layout: Layout) -> Array | float:
    """Weight bytes of the draft on one accelerator; 0 without one."""
    if system.draft is None or layout.draft is None:
        return 0.0
    return system.draft.cost * weight_bytes(system.draft.system, layout.draft)


def activation_bytes(system: System, layout: Layout) -> Array:
    """Working memory of one prefill chunk: residual stream and its copy, query and output, the FFN's inner width."""
    arch = system.arch
    whole = 2 * arch.d_model / np.minimum(layout.tp, 1.0)
    return np.asarray(system.fit.chunk_tokens * WIDE * (whole + 2 * (arch.d_model + arch.d_ff) / layout.tp))


def kv_sequence_bytes(system: System, layout: Layout, context: Array) -> Array:
    """KV bytes per accelerator of one sequence of `context` tokens; replicated where tp exceeds the KV heads."""
    whole = system.arch.stored_tokens(context) * system.kv_token_bytes + context * system.index_kept_bytes
    own = whole * stage_share(system.arch, layout) / np.minimum(layout.tp, system.arch.kv_shards)
    if system.draft is None or layout.draft is None:
        return own
    return np.asarray(own + system.draft.cost * kv_sequence_bytes(system.draft.system, layout.draft, context))


def held_bytes(system: System, layout: Layout) -> Array:
    """Bytes per accelerator of all but KV: weights, a draft's weights, activations."""
    return weight_bytes(system, layout) + draft_bytes(system, layout) + activation_bytes(system, layout)


def kv_room(system: System, layout: Layout) -> Array:
    """Bytes per accelerator left for KV; 0 where weights and activations already exceed the memory."""
    return np.maximum(system.memory_bytes - held_bytes(system, layout), 0.0)
