"""The walls of the house: imports run downwards only, files stay small, nothing names a machine."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "capacity"
LINES = 400
"""Files stay around 300 lines; past this one, a file is two."""


def rooms():
    """The rooms, top to bottom, as docs/architecture.md states them."""
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Data flow")[0]
    return re.findall(r"^\| `(\w+)` \|", table, flags=re.M)


ORDER = rooms()
MODULES = sorted(PACKAGE.rglob("*.py"))
FORBIDDEN = {("serving", "network")}
"""One copy on some accelerators knows only the Interconnect it is given."""


def imported(tree):
    """Rooms of `capacity` that a module imports, wherever in it, with the line."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            names = [node.module]
            if node.module == "capacity":
                names = [f"capacity.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "capacity" and len(parts) > 1:
                yield parts[1], node.lineno


def upward(module, package=PACKAGE):
    """Imports of a module that run upwards, as `line N imports room`."""
    room = module.relative_to(package).parts[0].removesuffix(".py")
    if room in ("__init__", "__main__"):  # above every room
        return []
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return [
        f"line {line} imports {other}"
        for other, line in imported(tree)
        if ORDER.index(other) < ORDER.index(room) or (room, other) in FORBIDDEN
    ]


def test_the_order_names_every_room():
    folders = {p.name for p in PACKAGE.iterdir() if (p / "__init__.py").is_file()} | {"errors"}
    assert folders <= set(ORDER)
    assert ORDER[0] == "cli"
    assert ORDER[-1] == "errors"


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_downwards(module):
    assert upward(module) == []


def test_an_upward_import_would_be_seen(tmp_path):
    (tmp_path / "catalogue").mkdir()
    module = tmp_path / "catalogue" / "x.py"
    module.write_text("def f():\n    from capacity.plan import Plan\n    from capacity import errors\n")
    assert upward(module, tmp_path) == ["line 2 imports plan"]


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_files_stay_small(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LINES


def tracked():
    """Files under version control; outside a checkout, everything beside the package."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0 and done.stdout:
        return [ROOT / name for name in done.stdout.split("\0") if name]
    folders = ("capacity", "data", "models", "tests", "docs", "benchmarks")
    return [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]


PRIVATE = re.compile(
    r"(?<![\w./])/(?:work|home|root|Users)/\w|[a-z]:\\{1,2}users\\|--(?:extra-)?index-url|/simple/?\b", re.I
)


def test_no_file_holds_a_path_of_some_machine_or_a_registry_address():
    found = []
    for path in tracked():
        if not path.is_file() or path == Path(__file__).resolve():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or another binary file
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in PRIVATE.finditer(text)]
    assert found == []


def test_a_private_path_would_be_seen():
    assert PRIVATE.search("see /" + "work/shared")
    assert PRIVATE.search("C:\\Us" + "ers\\me")
    assert not PRIVATE.search("km/homework and a/work/x")


def test_test_folders_are_packages_so_that_two_rooms_may_name_a_test_alike():
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert [folder.name for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
