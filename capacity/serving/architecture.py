"""What a model card means in parameters, KV bytes and FLOPs.

Parameters of one layer, width d, H heads of size h, K key-value heads:
    attention   d*H*h + 2*d*K*h + H*h*d                      (MHA, GQA, MQA; Vaswani 2017, Shazeer 2019, Ainslie 2023)
                d*q + q*H*(n+r) + d*(c+r) + c*H*(n+v) + H*v*d  (MLA with latents q and c; DeepSeek-V2, arXiv 2405.04434)
    FFN         f*d*d_ff, f = 2 (up, down) or 3 (gated)       experts likewise, plus a router of d*E
KV per token, 16-bit: 2*K*h values a layer (MLA: c+r). A FLOP is a multiply or an add, so 2 per parameter and token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from capacity.catalogue.cards import ModelCard
from capacity.errors import InputError, nearest

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.intp] | NDArray[np.bool_]
"""An index or a mask over plans."""

BYTES = {"fp16": 2.0, "bf16": 2.0, "fp8": 1.0, "int8": 1.0, "fp4": 0.5, "int4": 0.5}
"""Bytes of one value."""
SCALES = {"fp4": 1.0 / 16.0, "int4": 2.5 / 128.0}
"""Bytes of scales a weight: NVFP4 keeps 8 bits for 16 values; GPTQ and AWQ 16 bits and a zero of 4 for 128."""
NATIVE_SCALES = {"fp4": 1.0 / 32.0}
"""The same in checkpoints published in that format: MXFP4 keeps 8 bits for 32 values."""

WIDE = BYTES["bf16"]
"""Embeddings, output head and activations stay at 16 bits whatever the weights' precision."""


def bytes_of(precision: str) -> float:
    """Bytes per value; InputError names the nearest precision."""
    if precision not in BYTES:
        hint = nearest(precision, list(BYTES))
        raise InputError(f"precision: {precision!r} is not one of {', '.join(BYTES)}; nearest: {hint or 'none'}")
    return BYTES[precision]


def stored_bytes(precision: str, native: str) -> float:
    """Bytes per weight with its share of the block's scales; `native`: the format that the model was published in."""
    scales = NATIVE_SCALES if precision == native and precision in NATIVE_SCALES else SCALES
    return bytes_of(precision) + scales.get(precision, 0.0)


@dataclass(frozen=True)
class Architecture:
    """One model in numbers: parameters by part (whole model), sizes, and rates per token."""

    layers: int
    moe_layers: int
    d_model: int
    d_ff: int
    heads: int
    embedding: float
    """Input embedding and learned positions; a lookup, so it costs memory but no FLOPs."""
    head: float
    """Output projection; shares its parameters with the embedding when tied."""
    tied: bool
    attention: float
    dense: float
    shared: float
    """Shared experts and routers."""
    routed: float
    norms: float
    experts: int
    active_experts: int
    kv_values: float
    """Values kept per token in the whole model (bytes at 16 bit / 2)."""
    kv_shards: int
    """Tensor-parallel ranks over which the KV cache splits; beyond it is replicated."""
    window: int
    window_share: float
    sparse_reads: int
    indexed: bool
    """An index beside the KV cache is read for the whole context."""
    index_bytes: float
    """Bytes of that index per token in the whole model; 0 where the card does not say."""
    index_inside: bool
    """A compressed cache already counts its index in what it keeps."""
    latent: bool
    """Attention through latents (MLA)."""
    decode_core: float
    """FLOPs of the attention core per generated token and attended token, whole model."""
    prefill_core: float

    @property
    def total(self) -> float:
        """Parameters of the whole model."""
        tied = self.embedding if self.tied else self.embedding + self.head
        return tied + self.attention + self.dense + self.shared + self.routed + self.norms

    @property
    def active(self) -> float:
        """Parameters that take part in one token."""
        share = self.active_experts / self.experts if self.experts else 0.0
        return self.total - self.routed * (1.0 - share)

    @property
    def resident(self) -> float:
        """Parameters outside the routed experts that are streamed once per step, without embedding and head."""
        return self.attention + self.dense + self.shared + self.norms

    def kv_bytes_per_token(self, precision: str = "bf16") -> float:
        """KV bytes of one token, whole model, all layers attending fully."""
        return self.kv_values * bytes_of(precision)

    def stored_tokens(self, context: Array) -> Array:
        """Tokens of KV kept for a sequence, as full-layer equivalents: sliding layers keep their window only."""
        if not self.window_share:
            return context
        return (1.0 - self.window_share) * context + self.window_share * np.minimum(context, self.window)

    def attended_tokens(self, context: Array) -> Array:
        """Tokens of KV read per step: at most the sparse top-k in full layers, the window in sliding ones."""
        full = np.minimum(context, self.sparse_reads) if self.sparse_reads else context
        if not self.window_share:
            return full
        return (1.0 - self.window_share) * full + self.window_share * np.minimum(context, self.window)


@lru_cache(maxsize=512)
def architecture(card: ModelCard) -> Architecture:
    """Architecture of a card. A card that says its formula is not exact is scaled to its published totals."""
    moe_layers = (card.layers - card.dense_first_layers) // card.moe_every if card.experts_total else 0
    expert = card.ffn_matrices * card.d_model * card.d_ff_expert
    core_decode, core_prefill = _attention_core(card)
    positions = card.positions * card.d_model
    built = Architecture(
        layers=card.layers, moe_layers=moe_layers, d_model=card.d_model, heads=card.heads,
        d_ff=max(card.d_ff_dense, card.d_ff_expert * (card.experts_active + card.experts_shared)),
        embedding=float(card.vocab * card.d_model + positions), head=float(card.vocab * card.d_model),
        tied=card.tied_embeddings, attention=float(card.layers * _attention(card)),
        dense=float((card.layers - moe_layers) * card.ffn_matrices * card.d_model * card.d_ff_dense),
        shared=float(moe_layers * (card.experts_shared * expert + card.d_model * card.experts_total)),
        routed=float(moe_layers * card.experts_total * expert), norms=float((2 * card.layers + 1) * card.d_model),
        experts=card.experts_total, active_experts=card.experts_active, kv_values=_kv_values(card),
        kv_shards=1 if card.attention in ("mla", "compressed") else card.kv_heads,
        window=card.sliding_window, window_share=card.sliding_share if card.sliding_window else 0.0,
        sparse_reads=card.attention_reads,
        indexed=bool(card.attention_reads) and (card.attention != "compressed" or card.index_bytes_per_token > 0.0),
        index_bytes=card.index_bytes_per_token, index_inside=card.attention == "compressed",
        latent=card.attention in ("mla", "compressed"), decode_core=core_decode, prefill_core=core_prefill,
    )
    return built if card.params_exact or not card.params_total_b else _reconciled(built, card)


def _attention(card: ModelCard) -> int:
    """Parameters of one layer's projections."""
    d, heads = card.d_model, card.heads
    if card.attention == "mla":
        query_dim = heads * (card.qk_nope_dim + card.qk_rope_dim)
        query = d * card.q_lora_rank + card.q_lora_rank * query_dim if card.q_lora_rank else d * query_dim
        latent = d * (card.kv_lora_rank + card.qk_rope_dim)
        expand = card.kv_lora_rank * heads * (card.qk_nope_dim + card.v_head_dim)
        return query + latent + expand + heads * card.v_head_dim * d
    width = heads * card.head_dim
    query = d * card.q_lora_rank + card.q_lora_rank * width if card.q_lora_rank else d * width
    return query + 2 * d * card.kv_heads * card.head_dim + width * d


def _kv_values(card: ModelCard) -> float:
    if card.kv_bytes_per_token:
        return card.kv_bytes_per_token / BYTES["bf16"]
    return float(card.layers * _kv_values_of_layer(card))


def _kv_values_of_layer(card: ModelCard) -> int:
    """Values one layer keeps per cached entry; a compressed entry serves as key and value at once."""
    if card.attention == "mla":
        return card.kv_lora_rank + card.qk_rope_dim
    return (1 if card.attention == "compressed" else 2) * card.kv_heads * card.head_dim


def _attention_core(card: ModelCard) -> tuple[float, float]:
    """FLOPs per query token and attended token: (decode, prefill). MLA decodes in its latent space.

    A card that states its KV bytes caches less than one entry per layer and token (compressed, or linear layers);
    attention works on the entries there are.
    """
    entries = _kv_values(card) / _kv_values_of_layer(card)
    if card.attention == "mla":
        absorbed = 2 * card.heads * (2 * card.kv_lora_rank + card.qk_rope_dim)
        expanded = 2 * card.heads * (card.qk_nope_dim + card.qk_rope_dim + card.v_head_dim)
        return entries * absorbed, entries * expanded
    core = entries * 4 * card.heads * card.head_dim
    return core, core


def _reconciled(built: Architecture, card: ModelCard) -> Architecture:
    """Scale the parts so that total and active parameters equal the published ones: R + O = T, R*k/E + O = A."""
    total = (card.params_total_b or 0.0) * 1e9
    tables = built.embedding if built.tied else built.embedding + built.head
    if not built.experts:
        factor = (total - tables) / (built.total - tables)
        return replace(built, attention=built.attention * factor, dense=built.dense * factor,
                       norms=built.norms * factor)
    routed = total - (built.total - built.routed)
    if card.params_active_b:
        routed = (total - card.params_active_b * 1e9) / (1.0 - built.active_experts / built.experts)
    factor = (total - routed - tables) / built.resident
    if factor <= 0.0 or routed <= 0.0:
        raise InputError(f"models/{card.id}.yaml: params_total_b {card.params_total_b} and params_active_b "
                         f"{card.params_active_b} leave no parameters for attention or experts")
    return replace(built, routed=routed, attention=built.attention * factor, dense=built.dense * factor,
                   shared=built.shared * factor, norms=built.norms * factor)


def weight_bytes(card: ModelCard, precision: str) -> float:
    """Bytes of one set of weights at a precision."""
    return architecture(card).total * bytes_of(precision)


def kv_bytes(card: ModelCard, precision: str, context: float) -> float:
    """Bytes of KV state kept for one sequence of `context` tokens, whole model."""
    arch = architecture(card)
    return float(arch.stored_tokens(np.array([context]))[0]) * arch.kv_bytes_per_token(precision)
