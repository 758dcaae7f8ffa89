"""Shapes of a model that nobody has built: with heads in such numbers that many accelerators can share them.

Tensor-parallel ranks hold whole heads. A model of 304 heads splits over 16 accelerators and no more powers of two; who
builds it for a cluster gives it 320 or 384. Models that exist are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capacity.catalogue.cards import ModelCard

UNBUILT = "Hypothetical"
"""Begins the name of a model that nobody has built."""
PADDED = 4 / 3
"""Heads are rounded up to this multiple of their number at most: what three times a power of two needs to make four."""


def shapes(card: ModelCard) -> tuple[ModelCard, ...]:
    """The model as it is and, if nobody has built it, with its heads rounded up to multiples of further powers of two.

    Widths, layers and keys stay; queries and the attention's output grow with the heads, so no shape is smaller.
    """
    return (card, *_rounded(card)) if card.name.startswith(UNBUILT) else (card,)


def _rounded(card: ModelCard) -> Iterator[ModelCard]:
    ranks, last = 2 * (card.heads & -card.heads), card.heads
    while (heads := -(-card.heads // ranks) * ranks) <= card.heads * PADDED:
        if heads != last:
            name = f"{card.id}, {heads} heads"
            yield replace(card, id=name, name=name, heads=heads, params_exact=False)
        ranks, last = 2 * ranks, heads


def widths(heads: int) -> list[int]:
    """Numbers of accelerators over which heads split evenly, the least first."""
    return [width for width in range(1, heads + 1) if heads % width == 0]
