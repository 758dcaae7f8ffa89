"""Files on files: `extends`, deep overrides, and `--set path=value` on top."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from capacity.catalogue.locate import data_folder
from capacity.errors import InputError, nearest
from capacity.scenario.walk import keys_at
from capacity.scenario.written import Layers
from capacity.scenario.yaml_lines import KeyPath, Mark, Marks, Removed, read_value, read_yaml_file

DEFAULT = "human-equivalents"
NAME_LISTS = ("sites", "accelerators")
"""Keys that may be a plain list of names as well as a mapping."""


def list_scenarios() -> list[str]:
    """Names of the shipped scenarios."""
    return sorted(path.stem for path in (data_folder() / "scenarios").glob("*.yaml"))


def find_scenario(name: str | Path, beside: Path | None = None) -> Path:
    """The file of a scenario given by path or shipped name; `beside`: the folder relative paths start from.

    Raises InputError with the nearest shipped name when there is no such file.
    """
    path = (beside or Path()) / Path(name).expanduser()
    if path.is_file():
        return path
    text = str(name)
    shipped = list_scenarios()
    if text in shipped or text.removesuffix(".yaml") in shipped:
        return data_folder() / "scenarios" / f"{text.removesuffix('.yaml')}.yaml"
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a scenario file")
    near = nearest(Path(text).stem, shipped)
    hint = f"; did you mean `{near}`?" if near else ";"
    raise InputError(f"{text}: no such scenario file{hint} shipped ones: {', '.join(shipped)}")


def read_layers(source: str | Path, sets: Sequence[str] = ()) -> Layers:
    """The scenario file with everything it extends, then each `path=value` of `sets`. Raises InputError."""
    layers = _read_file(find_scenario(source), str(source), ())
    for text in sets:
        layers = _set(layers, text)
    _name_lists(layers.data, layers.marks)
    layers.data.pop("extends", None)
    return Layers(_plain(layers.data), layers.marks)


def _read_file(path: Path, name: str, chain: tuple[Path, ...]) -> Layers:
    here = path.resolve()
    if here in chain:
        names = " -> ".join(p.name for p in (*chain[chain.index(here) :], here))
        raise InputError(f"{name}: `extends` goes in a circle: {names}")
    shown = name if Path(name).suffix else path.name
    data, marks = read_yaml_file(path, shown)
    if not isinstance(data, dict):
        what = "is empty" if data is None else f"holds {_noun(data)}"
        raise InputError(f"{shown}: {what}; a scenario is a mapping, such as `name: my-plan`")
    _catalogue_paths(data, path.parent)
    base = data.get("extends")
    if base is None or isinstance(base, Removed):
        return Layers(data, marks)
    if not isinstance(base, str):
        raise InputError(f"{marks['extends',]}: extends: {base!r} is not the name or path of a scenario")
    try:
        found = find_scenario(base, beside=path.parent)
    except InputError as error:
        raise InputError(f"{marks['extends',]}: extends: {error}") from error
    below = _read_file(found, base, (*chain, here))
    below.data.pop("extends", None)
    _name_lists(below.data, below.marks)
    return _merge(below, Layers(data, marks))


def _catalogue_paths(data: dict[str, Any], folder: Path) -> None:
    """Overlay folders are relative to the file that names them: make them absolute before files are merged."""
    given = data.get("catalogue")
    if isinstance(given, list):
        data["catalogue"] = [str((folder / p).resolve()) if isinstance(p, str) else p for p in given]


def _name_lists(data: dict[str, Any], marks: Marks) -> None:
    """`sites: [a, b]` means the same as `sites: {a: , b: }`; a name twice is refused."""
    for key in NAME_LISTS:
        given = data.get(key)
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            continue
        for i, name in enumerate(given):
            if name in given[:i]:
                raise InputError(f"{marks.get((key, str(i)), key)}: {key}: `{name}` is given twice")
            marks[key, name] = marks.get((key, str(i)), marks.get((key,), Mark("scenario", 0)))
        data[key] = dict.fromkeys(given)


def _merge(base: Layers, top: Layers) -> Layers:
    """Mappings merge key by key, everything else is replaced; an explicit null removes what the base has."""
    marks = dict(base.marks)
    data = _merged(base.data, top.data, (), marks, top)
    return Layers(data, marks)


def _merged(below: dict[str, Any], above: dict[str, Any], path: KeyPath, marks: Marks, top: Layers) -> dict[str, Any]:
    result = dict(below)
    for key, value in above.items():
        here = (*path, key)
        if isinstance(value, Removed):
            if key not in below and keys_at(path) is None:
                near = nearest(key, list(below))
                hint = f"; did you mean `{near}`?" if near else ""
                raise InputError(f"{top.mark(here)}: {'.'.join(here)}: null removes a key, but the base has none{hint}")
            result.pop(key, None)
            continue
        if value is None and key in below and isinstance(below[key], dict):
            continue  # an empty entry changes nothing of the base's
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            result[key] = _merged(below[key], value, here, marks, top)
        else:
            for old in [m for m in marks if m[: len(here)] == here]:
                del marks[old]
            result[key] = value
        marks.update({m: mark for m, mark in top.marks.items() if m[: len(here)] == here})
    return result


_SEGMENT = re.compile(r'"([^"]*)"|([^."]+)')


def _set(layers: Layers, text: str) -> Layers:
    """The layers with one `path=value` applied; the value is YAML, null removes."""
    option = f"--set {text}"
    left, equals, right = text.partition("=")
    if not equals or not left.strip():
        raise InputError(f"{option}: write it as path=value, for example `--set money.discount_rate=7%`")
    keys = [a or b.strip() for a, b in _SEGMENT.findall(left.strip())]
    value = read_value(right.strip(), option)
    data = dict(layers.data)
    _name_lists(data, layers.marks)
    path = _known_path(data, keys, option)
    marks = {m: mark for m, mark in layers.marks.items() if m[: len(path)] != path}
    return Layers(_put(data, path, value), {**marks, path: Mark(option, 0)})


def _put(node: Any, path: KeyPath, value: Any) -> Any:
    """A copy of the node with the value at the path; null takes the entry away."""
    key, below = path[0], path[1:]
    if isinstance(node, list):
        i = int(key)
        middle = [_put(node[i], below, value)] if below else [] if isinstance(value, Removed) else [value]
        return [*node[:i], *middle, *node[i + 1 :]]
    result = dict(node) if isinstance(node, dict) else {}
    if below:
        result[key] = _put(result.get(key), below, value)
    elif isinstance(value, Removed):
        result.pop(key, None)
    else:
        result[key] = value
    return result


def _known_path(data: dict[str, Any], keys: list[str], option: str) -> KeyPath:
    """The keys of a `--set` path, each known to the scenario or already named in it.

    A name chosen by the user may hold dots: the longest run of keys that names an existing entry is taken.
    """
    path: KeyPath = ()
    level: Any = data
    while keys:
        present = list(level) if isinstance(level, dict) else []
        if isinstance(level, list):
            present = [str(i) for i in range(len(level))]
        run = next((n for n in range(len(keys), 0, -1) if ".".join(keys[:n]) in present), 1)
        key, keys = ".".join(keys[:run]), keys[run:]
        allowed = keys_at(path)
        known = key in (allowed or present)
        new_name = allowed is None and not keys and not isinstance(level, list)
        if not known and not new_name:
            choices = allowed or present
            near = nearest(key, choices)
            hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(choices) or 'none'}"
            raise InputError(f"{option}: `{'.'.join((*path, key))}` is not in the scenario; {hint}")
        path = (*path, key)
        inner = level.get(key) if isinstance(level, dict) else None
        if keys and inner is not None and not isinstance(inner, dict | list):
            whole = ".".join(path)
            raise InputError(f"{option}: `{whole}` is {inner!r}, not a mapping; set it whole: {whole}={{...}}")
        level = level[int(key)] if isinstance(level, list) else level.get(key) if isinstance(level, dict) else None
    return path


def _plain(value: Any) -> Any:
    """Nulls left after merging are plain None."""
    if isinstance(value, Removed):
        return None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _noun(data: Any) -> str:
    return "a list" if isinstance(data, list) else f"only {data!r}"

