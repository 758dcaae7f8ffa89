"""What exists: accelerators, AI models, fabrics, sites, regions, prices; every number with its source.

`load_catalogue()` gives the one Catalogue; a user's folder of tables may be laid over ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capacity.catalogue.cards import Accelerator, Interconnect, ModelCard, Region, Site

if TYPE_CHECKING:
    from capacity.catalogue.archetypes import archetype
    from capacity.catalogue.catalogue import Catalogue, load_catalogue

__all__ = ["Accelerator", "Catalogue", "Interconnect", "ModelCard", "Region", "Site", "archetype", "load_catalogue"]


def __getattr__(name: str) -> Any:
    """Import pandas only when a table is wanted, so that `capacity --help` stays fast."""
    if name in ("Catalogue", "load_catalogue"):
        from capacity.catalogue import catalogue

        return getattr(catalogue, name)
    if name == "archetype":
        from capacity.catalogue import archetypes

        return archetypes.archetype
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
