"""Options of `capacity shard` that say how a copy may serve, as the search takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity.errors import InputError, nearest

if TYPE_CHECKING:
    from capacity.catalogue import Catalogue
    from capacity.serving import Modes, Speculation

KINDS = ("kv-offload", "parts", "streaming", "disaggregated")
ALL, NONE = "all", "none"
PARTS = 8


def modes_of(cat: Catalogue, asked: str, shared_prefix: bool, speculate: int | None, acceptance: str | None,
             draft: str | None, draft_cost: str | None) -> Modes:
    """What the search may do. Raises InputError naming the option and what it takes."""
    from capacity.serving import Modes

    kinds = KINDS if asked == ALL else () if asked == NONE else tuple(k.strip() for k in asked.split(","))
    for kind in kinds:
        if kind not in KINDS:
            near = nearest(kind, [*KINDS, ALL, NONE])
            hint = f"; did you mean `{near}`?" if near else ""
            raise InputError(f"--modes: `{kind}` is not one of {', '.join([*KINDS, ALL, NONE])}{hint}")
    return Modes(
        kv_offload="kv-offload" in kinds, parts=PARTS if "parts" in kinds else 1,
        streaming=("host", "nvme") if "streaming" in kinds else (), disaggregated="disaggregated" in kinds,
        shared_prefix=shared_prefix, speculation=_speculation(cat, speculate, acceptance, draft, draft_cost),
    )


def _speculation(cat: Catalogue, speculate: int | None, acceptance: str | None, draft: str | None,
                 draft_cost: str | None) -> Speculation | None:
    from capacity.scenario.units import FRACTION, quantity
    from capacity.serving import Speculation

    if speculate is None:
        given = {"--acceptance": acceptance, "--draft": draft, "--draft-cost": draft_cost}
        stray = next((name for name, value in given.items() if value is not None), None)
        if stray:
            raise InputError(f"{stray}: only with --speculate TOKENS")
        return None
    if acceptance is None:
        raise InputError("--speculate: state how often a drafted token is accepted, such as --acceptance 70%")
    if (draft is None) == (draft_cost is None):
        raise InputError("--speculate: state who drafts: --draft MODEL, or --draft-cost as a share of the model's own "
                         "step, such as 5%")
    return Speculation(speculate, quantity(acceptance, FRACTION, "--acceptance"),
                       cost=None if draft_cost is None else quantity(draft_cost, FRACTION, "--draft-cost"),
                       model=None if draft is None else cat.model(draft))
