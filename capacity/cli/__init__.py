"""The command line: options in, one call of a room below, tables and messages out. No logic of the planner lives here.

`main` is the console script; every module imports what it needs inside its commands, so that `--help` stays quick.
"""


def main() -> None:
    """Run the command line. Exit codes: see `capacity.cli.app`."""
    from capacity.cli.app import app

    app(prog_name="capacity")


__all__ = ["main"]
