"""One pass of a copy in the mode that it serves in: weights resident or streamed, with or without a draft.

A round is one decode step of the whole copy with its draft before it; without a draft it gives one token a sequence.
"""

from __future__ import annotations

import numpy as np

from capacity.serving.architecture import Array
from capacity.serving.offload import stalled_s
from capacity.serving.step import chunk_s, decode_s
from capacity.serving.system import Layout, System


def round_s(system: System, layout: Layout, sequences: Array, context: Array) -> Array:
    """Seconds of one round with `sequences` in flight per attention-DP rank and micro-batch (at least 1)."""
    step = decode_s(system, layout, sequences, context)
    if layout.stream is not None:
        step = layout.pp * stalled_s(system, layout, step / layout.pp)
    if system.draft is not None:
        step = step + system.draft.drafted * draft_s(system, layout, sequences, context)
    return step


def draft_s(system: System, layout: Layout, sequences: Array, context: Array) -> Array:
    """Seconds of drafting one token for every sequence.

    A draft of its own stands whole on one stage: as each micro-batch waits for it there, a full pipeline does pp times.
    """
    draft = system.draft
    if draft is None or layout.draft is None:
        return np.zeros_like(sequences)
    alone = decode_s(draft.system, layout.draft, sequences, context)
    return np.asarray(draft.cost * alone * layout.pp / layout.draft.pp)


def prefill_s(system: System, layout: Layout, tokens: Array, context: Array) -> Array:
    """Seconds of the slowest stage for a chunk of prefill, the draft's own included."""
    stage = stalled_s(system, layout, chunk_s(system, layout, tokens, context))
    draft = system.draft
    if draft is None or layout.draft is None:
        return stage
    return stage + draft.cost * chunk_s(draft.system, layout.draft, tokens, context)


def tokens_per_round(system: System) -> float:
    """Tokens that a round gives each sequence on average."""
    return 1.0 if system.draft is None else system.draft.accepted
