"""All arguments, in the order of the discussion; to find one by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capacity.catalogue import Catalogue
from capacity.errors import InputError, nearest
from capacity.studies.founding import (
    billions,
    copies,
    distillation,
    experts,
    ladder,
    latency,
    memory,
    operations,
    price,
    race,
    streaming,
    training,
    variants,
)
from capacity.studies.founding.argument import Argument, Finding, find
from capacity.studies.founding.facts import Facts
from capacity.studies.founding.naming import worded

ARGUMENTS: tuple[Argument, ...] = (
    *ladder.ARGUMENTS, *price.ARGUMENTS, *memory.ARGUMENTS, *streaming.ARGUMENTS, *latency.ARGUMENTS,
    *experts.ARGUMENTS, *variants.ARGUMENTS, *distillation.ARGUMENTS, *operations.ARGUMENTS, *copies.ARGUMENTS,
    *billions.ARGUMENTS, *race.ARGUMENTS, *training.ARGUMENTS,
)


def named(name: str) -> Argument:
    """The argument of a name. Raises InputError with the nearest."""
    known = {argument.name: argument for argument in ARGUMENTS}
    if name not in known:
        near = nearest(name, list(known))
        hint = f"; did you mean `{near}`?" if near else ""
        raise InputError(f"no argument `{name}`; arguments: {', '.join(known)}{hint}")
    return known[name]


def told(argument: Argument, facts: Facts) -> Finding:
    """An argument computed, with the swing of each of its inputs, in names that a reader knows."""
    return worded(find(argument, facts), facts)


def findings(catalogue: Catalogue, arguments: Iterable[Argument] = ARGUMENTS) -> Iterator[Finding]:
    """Each argument computed, with the swing of each of its inputs, one after another."""
    facts = Facts(catalogue)
    return (told(argument, facts) for argument in arguments)
