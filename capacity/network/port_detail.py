"""A fabric's graph port by port: each cable with its two ports and, unless it is copper, its two optics as nodes.

    switch or accelerator - port - optic - cable - optic - port - switch or accelerator
Every node has `kind` (port, optic, cable), `capacity_gb_s` per direction, `latency_s`, `price_usd` and `power_w`, and
cables a `medium`. A port's price and power are its switch's or accelerator's, an optic's those of an optical end, and a
hop's latency lies half on either side of the cable: sums, shortest ways and largest flows are those of the graph it
was made of. A cable becomes three or five nodes: for small clusters.
"""

from __future__ import annotations

import networkx as nx

from capacity.network.fabrics import ENDS, Parts


def with_ports(graph: nx.Graph[str], parts: Parts) -> nx.Graph[str]:
    """The graph of `fabrics` with ports, optics and cables as nodes; `parts` are those it was made of.

    Joints of a host, which are no cables, stay edges.
    """
    out: nx.Graph[str] = nx.Graph()
    out.add_nodes_from(graph.nodes(data=True))
    for one, other, edge in graph.edges(data=True):
        if not edge["cables"]:
            out.add_edge(one, other, **edge)
            continue
        each = edge["capacity_gb_s"] / edge["cables"]
        for n in range(edge["cables"]):
            _cable(out, (one, other), f"{one}--{other}.{n}", each, edge["latency_s"], n < edge["optics"] // ENDS, parts)
    return out


def _cable(
    out: nx.Graph[str], ends: tuple[str, str], name: str, gb_s: float, latency_s: float, optical: bool, parts: Parts
) -> None:
    """One cable between two devices, with what stands at its ends."""
    cable = f"cable {name}"
    price = 0.0 if optical else parts.copper_price_usd
    _node(out, cable, "cable", gb_s, price, 0.0, medium="fibre" if optical else "copper")
    for end in ends:
        port = f"port {name} at {end}"
        _node(out, port, "port", gb_s, 0.0, 0.0)
        _join(out, end, port, gb_s, 0.0)
        beside = port
        if optical:
            beside = f"optic {name} at {end}"
            _node(out, beside, "optic", gb_s, parts.end_price_usd, parts.end_power_w)
            _join(out, port, beside, gb_s, 0.0)
        _join(out, beside, cable, gb_s, latency_s / ENDS)


def _node(
    out: nx.Graph[str], name: str, kind: str, gb_s: float, price_usd: float, power_w: float, **more: str
) -> None:
    out.add_node(name, kind=kind, tier=0, capacity_gb_s=gb_s, latency_s=0.0, price_usd=price_usd, power_w=power_w,
                 **more)


def _join(out: nx.Graph[str], one: str, other: str, gb_s: float, latency_s: float) -> None:
    """What joins two parts of a way: no cable of its own, and free."""
    out.add_edge(one, other, cables=0, capacity_gb_s=gb_s, latency_s=latency_s, optics=0, price_usd=0.0, power_w=0.0)
