"""What the keys of `links` must agree on among themselves and with the rest of a scenario."""

from __future__ import annotations

from collections.abc import Iterator

from capacity.scenario.messages import unknown
from capacity.scenario.schema import Scenario
from capacity.scenario.yaml_lines import KeyPath


def link_disagreements(s: Scenario) -> Iterator[tuple[KeyPath, str]]:
    """(path, message) of every contradiction in `links`."""
    links = s.links
    for site in links.hose:
        if site not in s.sites:
            yield ("links", "hose", site), unknown(site, list(s.sites), "site")
    if len(links.hose) == 1:
        yield ("links", "hose"), "names one site; traffic needs at least two"
    if links.only_table and not links.table:
        yield ("links", "only_table"), "leaves no link at all; give rows in `links.table`"
    if links.only_table and links.backbone is not None:
        yield ("links", "backbone"), "stands beside `only_table: true`; give one of the two"
    if links.survive != "nothing" and links.routing == "fixed":
        yield ("links", "survive"), "needs traffic that can take other ways; add `routing: free`"
    if links.survive != "nothing" and not links.include:
        yield ("links", "survive"), "needs links; leave out `include: false`"
    for i, size in enumerate(links.modules):
        if size <= 0:
            yield ("links", "modules", str(i)), f"{size:g} is given; it must be above 0"
