"""All commands in one list, and the one place where errors become messages and exit codes.

0 done; 1 internal fault; 2 bad input or usage; 3 infeasible; 4 a limit reached before the asked gap, plan saved;
5 a limit reached with no plan; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from capacity.cli import catalogue, founding, plans, scenario, searches, serving, shard, solve, studies, topology
from capacity.errors import CapacityError

EXIT_FAULT = 1
EXIT_INTERRUPTED = 130
DEBUG = "CAPACITY_DEBUG"

_USAGE: type[BaseException] = next(k for k in typer.BadParameter.__mro__ if k.__name__ == "ClickException")
"""Usage errors: typer prints them itself and exits with 2."""


class Guarded(TyperGroup):
    """The group that turns whatever a command raises into one message on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command; CAPACITY_DEBUG=1 shows the traceback of an internal fault."""
        try:
            return super().invoke(ctx)
        except CapacityError as error:
            if os.environ.get(DEBUG) == "1":
                raise
            tell(f"error: {error}", error.exit_code)
        except KeyboardInterrupt:
            tell("interrupted", EXIT_INTERRUPTED)
        except (_USAGE, typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get(DEBUG) == "1":
                raise
            what = " ".join(str(error).split())[:300]
            tell(f"internal fault: {type(error).__name__}: {what} (set {DEBUG}=1 for the traceback)", EXIT_FAULT)


def tell(message: str, code: int) -> None:
    """Print a message on stderr and leave with the exit code."""
    print(message, file=sys.stderr)
    raise SystemExit(code)


app = typer.Typer(
    cls=Guarded,
    name="capacity",
    help="Plan datacenters, accelerators, fabrics and sharding for human-equivalent AI, with a proven gap.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"capacity {version('capacity')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """Options of the program as a whole."""


app.command(cls=solve.Resumable)(solve.solve)
app.command()(plans.schedule)
app.command()(plans.export)
app.command()(plans.audit)
app.command()(plans.report)
app.add_typer(scenario.app, name="scenario")
app.command()(catalogue.catalogue)
app.command()(shard.shard)
app.add_typer(serving.app, name="serving")
app.command()(topology.topology)
app.command(name="what-if")(studies.what_if)
app.command()(studies.compare)
app.command()(studies.query)
app.add_typer(founding.app, name="study")
app.command()(searches.sensitivity)
app.command(name="break-even")(searches.break_even)
app.command()(searches.frontier)
app.command()(searches.alternatives)
app.command()(searches.foresight)
app.command()(searches.risk)
app.command()(searches.wages)
