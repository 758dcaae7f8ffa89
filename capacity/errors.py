"""What can go wrong, in the user's words, each with the exit code of the command that meets it."""

from __future__ import annotations


class CapacityError(Exception):
    """Base: a failure with a message fit to print as it is."""

    exit_code = 1


class InputError(CapacityError):
    """Bad input or usage: names the file, the key, what was given, what is allowed."""

    exit_code = 2


class InfeasibleError(CapacityError):
    """No plan can meet the demands: names what cannot be met."""

    exit_code = 3


class LimitError(CapacityError):
    """A limit was reached before any plan was found."""

    exit_code = 5


class AuditError(CapacityError):
    """A plan breaks the problem it answers: names each kind of row and the worst one."""


class Interrupted(CapacityError):  # noqa: N818 - an order, not an error
    """The user stopped the solve before any plan was found."""

    exit_code = 130


def nearest(name: str, valid: list[str], cutoff: float = 0.5) -> str | None:
    """The valid name most like a mistyped one, or None."""
    from difflib import get_close_matches

    found = get_close_matches(name, valid, n=1, cutoff=cutoff)
    return found[0] if found else None
