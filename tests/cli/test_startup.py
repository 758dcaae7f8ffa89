"""`capacity --help` loads none of the heavy libraries: that is what keeps it quick."""

import subprocess
import sys

HEAVY = ("pandas", "numpy", "pydantic", "pint", "pyomo", "highspy", "scipy", "plotly", "networkx", "pyarrow")


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom capacity.cli.app import app\n"
        "try:\n    app(['--help'], prog_name='capacity')\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_the_console_script_prints_the_version():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['capacity', '--version']; import capacity.cli as c; c.main()"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("capacity ")
