"""Fabric designs: what a cluster of so many accelerators needs in switches, cables and optics, and what it gets.

A design (`fabric_designs.csv`) says how to wire; the accelerator's network rate and year decide with which
generation of parts (`fabrics.csv`); the size decides how many tiers.

    price       switches * price + optical ends * price + copper cables * price
    alpha       message of no size between neighbours + (switches passed - 1) * latency of one
    bandwidth   rate of the accelerator's ports * share that is left when all send to all
Network cards are part of the accelerator's own price. A design of the kind `scale-up` is a domain of the accelerator's
own links (NVLink): its switches and cables are part of the accelerator's price too, and shown for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import networkx as nx
import pandas as pd

from capacity.catalogue.cards import Accelerator, Interconnect
from capacity.catalogue.catalogue import Catalogue
from capacity.errors import InputError
from capacity.network import fabrics
from capacity.network.clos import largest
from capacity.network.fabrics import ENDS, Parts
from capacity.network.port_detail import with_ports
from capacity.network.structure import (
    Structure,
    clos_structure,
    dragonfly_structure,
    mesh_structure,
    scale_up_structure,
    torus_structure,
)

NANO, MICRO, BITS = 1e-9, 1e-6, 8
DETAILS = ("cables", "ports")


@dataclass(frozen=True)
class FabricDesign:
    """One design at one size for one accelerator; prices and powers are those of the scale-out network alone."""

    design: str
    kind: str
    size: int
    part: str
    """Row of `fabrics.csv` it is built of."""
    ports: int
    """Network ports per accelerator, each with a network of its own."""
    tiers: int
    switches: int
    cables: int
    optics: int
    """Transceivers, one at each end of an optical cable."""
    price_usd_per_accelerator: float
    watts_per_accelerator: float
    alpha_s: float
    """One message of no size over the longest way."""
    gb_s: float
    """Per accelerator and direction when all send to all."""
    neighbour_gb_s: float
    """Per accelerator and direction between neighbours, as in a ring."""
    efficiency: float
    bisection_share: float
    max_hops: int
    mean_hops: float
    near: int
    """Neighbours that meet in one switch of each plane, at `near_alpha_s` and `neighbour_gb_s`; 0 without switches."""
    near_alpha_s: float


@dataclass(frozen=True)
class Choice:
    """A design of one size, built of one generation of parts for one accelerator, and its bill."""

    row: pd.Series
    part: pd.Series
    ports: int
    parts: Parts
    shape: Structure
    bundles: int = 1
    """Cables of an accelerator in one network: the planes of a scale-up domain."""

    @property
    def kind(self) -> str:
        """Family of structures."""
        return str(self.row["kind"])

    @property
    def rate_gb_s(self) -> float:
        """Of one accelerator, all ports, per direction."""
        return self.ports * self.bundles * self.parts.port_gb_s

    @property
    def switches(self) -> int:
        """Of all ports' networks, as the figures below."""
        return self.ports * self.shape.switches

    @property
    def cables(self) -> int:
        """Optical and copper."""
        return self.ports * (self.shape.access_cables + self.shape.trunk_cables)

    @property
    def copper(self) -> int:
        """Cables of copper."""
        return self.ports * self.parts.copper_of(self.shape.access_cables)

    @property
    def optics(self) -> int:
        """Transceivers."""
        return ENDS * (self.cables - self.copper)

    @property
    def price_usd(self) -> float:
        """Switches, optics and copper."""
        parts = self.parts
        return (self.switches * parts.switch_price_usd + self.optics * parts.end_price_usd
                + self.copper * parts.copper_price_usd)

    @property
    def power_w(self) -> float:
        """Switches and optics."""
        return self.switches * self.parts.switch_power_w + self.optics * self.parts.end_power_w


def fabric_design(cat: Catalogue, design_id: str, accelerator: Accelerator, size: int) -> FabricDesign:
    """Figures of a design for `size` accelerators, by structure: no graph is made, so any size takes no time.

    Of the design's parts on sale in the accelerator's year, those are taken that carry its network rate at the least
    price. Raises InputError for an unknown design (with the nearest), and for a size the design does not hold.
    """
    choice = choose(cat, design_id, accelerator, size)
    shape, rate, alpha = choice.shape, choice.rate_gb_s, float(choice.part["p2p_alpha_us"]) * MICRO
    return FabricDesign(
        design=design_id, kind=choice.kind, size=size, part=str(choice.part["id"]), ports=choice.ports,
        tiers=shape.tiers, switches=choice.switches, cables=choice.cables, optics=choice.optics,
        price_usd_per_accelerator=choice.price_usd / size, watts_per_accelerator=choice.power_w / size,
        alpha_s=alpha + (shape.max_hops - 1) * choice.parts.hop_latency_s, near=shape.near, near_alpha_s=alpha,
        gb_s=rate * shape.uniform_share, neighbour_gb_s=rate, efficiency=float(choice.part["efficiency"]),
        bisection_share=shape.bisection_share, max_hops=shape.max_hops, mean_hops=shape.mean_hops,
    )


def fabric_graph(
    cat: Catalogue, design_id: str, accelerator: Accelerator, size: int, detail: str = "cables"
) -> nx.Graph[str]:
    """The design as a graph, cable by cable (see `fabrics`) or with `detail` "ports" part by part (`port_detail`).

    One network per port, `ports` of them alike; only one is drawn. Raises InputError as `fabric_design`, and for a
    detail that is neither.
    """
    if detail not in DETAILS:
        raise InputError(f"detail {detail!r} of a fabric's graph: allowed are {' and '.join(DETAILS)}")
    choice = choose(cat, design_id, accelerator, size)
    graph = _by_cables(choice, accelerator, size)
    return graph if detail == "cables" else with_ports(graph, choice.parts)


def _by_cables(choice: Choice, accelerator: Accelerator, size: int) -> nx.Graph[str]:
    row, parts, kind = choice.row, choice.parts, choice.kind
    if kind == "scale-up":
        return fabrics.scale_up(size, parts, choice.bundles, int(row["max_tiers"]))
    if kind == "torus":
        return fabrics.torus(size, int(row["dimensions"]), parts)
    if kind == "full-mesh":
        return fabrics.full_mesh(size, parts)
    if kind == "dragonfly-plus":
        return fabrics.dragonfly_plus(size, parts, float(row["oversubscription"]))
    return fabrics.fat_tree(size, parts, int(row["max_tiers"]), float(row["oversubscription"]), int(row["planes"]),
                            accelerator.scale_up_gb_s, upper=float(row["upper"]), rails=int(row["rails"]))


def interconnect(cat: Catalogue, accelerator: Accelerator, fabric: FabricDesign) -> Interconnect:
    """What a model copy sees in a pod of this accelerator on this fabric.

    Inside the scale-up domain: message latency and efficiency of the accelerator's row in `fabrics.csv`. Outside: the
    bandwidth that is left when all send to all, so that an oversubscribed fabric is felt by every sharding plan whose
    groups outgrow a leaf; those under one leaf keep all of it. A scale-up design is a domain of its own size.
    """
    inside = cat.row("fabrics", accelerator.scale_up_fabric)
    whole = fabric.kind == "scale-up"
    thin = fabric.gb_s < fabric.neighbour_gb_s and not whole
    return Interconnect(
        domain=fabric.size if whole else accelerator.scale_up_domain, up_alpha_s=float(inside["p2p_alpha_us"]) * MICRO,
        up_gb_s=accelerator.scale_up_gb_s, up_efficiency=float(inside["efficiency"]), out_alpha_s=fabric.alpha_s,
        out_gb_s=fabric.gb_s, out_efficiency=fabric.efficiency, reach=fabric.size, fabric=fabric.design,
        near=fabric.near if thin else 0, near_alpha_s=fabric.near_alpha_s, near_gb_s=fabric.neighbour_gb_s,
    )


def domain_price(cat: Catalogue, accelerator: Accelerator, size: int) -> float | None:
    """USD an accelerator by which a scale-up domain of another size costs more than its own.

    Both are on the smallest `scale-up` design that holds the size. None where no design is of the accelerator's
    switches or holds its own domain. Raises InputError when none holds the size.
    """
    table = cat.table("fabric_designs")
    switched = table[(table["kind"] == "scale-up") & table["parts"].str.split(";").map(
        lambda names: accelerator.scale_up_fabric in names)].sort_values("max_size")
    if switched.empty or accelerator.scale_up_domain > switched["max_size"].max():
        return None

    def price(members: int) -> float:
        fitting = switched.loc[switched["max_size"] >= members, "id"]
        if fitting.empty:
            raise InputError(f"scale-up domain of {members} for `{accelerator.id}`: the largest design holds "
                             f"{int(switched['max_size'].max())}")
        return fabric_design(cat, str(fitting.iloc[0]), accelerator, members).price_usd_per_accelerator

    return price(size) - price(accelerator.scale_up_domain)


def choose(cat: Catalogue, design_id: str, accelerator: Accelerator, size: int) -> Choice:
    """The cheapest parts that hold the size and were on sale in the accelerator's year.

    An accelerator has `max_ports` ports at most, or as few as any of the parts allow.
    """
    row, rate = cat.row("fabric_designs", design_id), accelerator.nic_gbit_s
    most = int(row["max_size"])
    if size < 1 or (most and size > most):
        raise InputError(f"fabric design `{design_id}` of {size} accelerators: allowed are 1 to "
                         f"{most or 'as many as its tiers hold'}")
    if str(row["kind"]) == "scale-up":
        return _domain(cat, row, accelerator, size)
    if not rate > 0:
        raise InputError(f"accelerator `{accelerator.id}`: nic_gbit_s is {rate:g}; a fabric needs a rate above 0")
    sold = _on_sale(cat, row, accelerator)
    ports = [ceil(rate / port) for port in sold["gbit_s_per_port"]]
    limit = max(int(row["max_ports"]), min(ports))
    choices: list[Choice] = []
    refused: InputError | None = None
    for (_, part), count in zip(sold.iterrows(), ports, strict=True):
        parts = _parts(row, part, rate, count)
        try:
            if count <= limit:
                choices.append(Choice(row, part, count, parts, _structure(row, parts.radix, size)))
        except InputError as error:
            refused = InputError(f"fabric design `{design_id}` for {size} accelerators on {part['id']}: {error}")
    if not choices and refused is not None:
        raise refused
    return min(choices, key=lambda choice: choice.price_usd)


def _domain(cat: Catalogue, row: pd.Series, accelerator: Accelerator, size: int) -> Choice:
    """A scale-up domain on as few planes of the accelerator's own switches as hold it, its links shared out evenly."""
    names = [name.strip() for name in str(row["parts"]).split(";")]
    if accelerator.scale_up_fabric not in names:
        raise InputError(f"fabric design `{row['id']}` joins accelerators by switches of {', '.join(names)}; "
                         f"`{accelerator.id}` has {accelerator.scale_up_fabric}")
    part, tiers = cat.row("fabrics", accelerator.scale_up_fabric), int(row["max_tiers"])
    links = max(1, round(accelerator.scale_up_gb_s * BITS / float(part["gbit_s_per_port"])))
    for planes in (n for n in range(1, links + 1) if links % n == 0):
        bundle = links // planes
        radix = int(part["switch_radix"]) // bundle
        if radix < 2 or size > largest(radix, tiers, 1.0):
            continue
        parts = Parts(
            radix=radix, port_gb_s=accelerator.scale_up_gb_s / planes,
            switch_price_usd=float(part["switch_price_usd"]), switch_power_w=float(part["switch_power_w"]),
            end_price_usd=float(part["optics_price_usd_per_end"]) * bundle,
            end_power_w=float(part["optics_power_w"]) * bundle, hop_latency_s=float(part["hop_latency_ns"]) * NANO,
            copper_share=float(row["copper_share"]), copper_price_usd=float(row["copper_usd"]) * bundle,
        )
        return Choice(row, part, 1, parts, scale_up_structure(size, planes, radix, tiers), planes)
    most = largest(int(part["switch_radix"]), tiers, 1.0)
    raise InputError(f"fabric design `{row['id']}` of {size} accelerators: {tiers} tier{'s' * (tiers > 1)} of "
                     f"{part['switch']} hold{'s' * (tiers == 1)} {most} at most")


def _on_sale(cat: Catalogue, row: pd.Series, accelerator: Accelerator) -> pd.DataFrame:
    """The design's rows of `fabrics.csv` that sold when the accelerator came, slowest first; at least the first."""
    known = cat.table("fabrics").set_index("id", drop=False)
    names = [name.strip() for name in str(row["parts"]).split(";")]
    absent = [name for name in names if name not in known.index]
    if absent:
        raise InputError(f"fabric_designs.csv, design `{row['id']}`, column `parts`: `{absent[0]}` is not in "
                         "fabrics.csv")
    offered = known.loc[names].sort_values("gbit_s_per_port")
    return offered[offered["first_year"] <= max(int(accelerator.available), int(offered["first_year"].min()))]


def _parts(row: pd.Series, part: pd.Series, rate_gbit_s: float, ports: int) -> Parts:
    """One port's network: a port faster than the accelerator is split, as far as `max_split` allows."""
    split = min(max(1, int(float(part["gbit_s_per_port"]) // rate_gbit_s)), int(row["max_split"]))
    share = split * max(1, 2 * int(row["dimensions"]))  # a torus shares the port out over two links per dimension
    return Parts(
        radix=int(part["switch_radix"]) * split, port_gb_s=rate_gbit_s / ports / BITS,
        switch_price_usd=float(part["switch_price_usd"]), switch_power_w=float(part["switch_power_w"]),
        end_price_usd=float(part["optics_price_usd_per_end"]) / share,
        end_power_w=float(part["optics_power_w"]) / share, hop_latency_s=float(part["hop_latency_ns"]) * NANO,
        copper_share=float(row["copper_share"]), copper_price_usd=float(row["copper_usd"]),
    )


def _structure(row: pd.Series, radix: int, size: int) -> Structure:
    kind, ratio = str(row["kind"]), float(row["oversubscription"])
    if kind == "torus":
        return torus_structure(size, int(row["dimensions"]))
    if kind == "full-mesh":
        return mesh_structure(size)
    if kind == "dragonfly-plus":
        return dragonfly_structure(size, radix, ratio)
    return clos_structure(kind, size, int(row["planes"]), radix, int(row["max_tiers"]), ratio, float(row["upper"]),
                          int(row["rails"]))
