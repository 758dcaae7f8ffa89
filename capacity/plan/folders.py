"""Folders and files that are there whole or not at all, at whatever moment the process is killed.

A folder is written beside its place. Where one stands already the two change names in a single step on systems that
can (Linux renameat2, macOS renamex_np); elsewhere the old one is set aside for an instant, and found there by readers.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sys
import tempfile
from glob import escape
from pathlib import Path
from typing import TextIO

DRAFT, ASIDE = "draft-", "old-"
"""What stands between a folder's name and chance letters in the names of its drafts and of what was set aside."""

HERE, EXCHANGE = -100, 2
"""AT_FDCWD, and the flag of renameat2 and renamex_np for two paths that change names (RENAME_EXCHANGE, RENAME_SWAP)."""


def draft_of(target: Path) -> Path:
    """An empty folder beside the target, to be written and then put in its place. Raises OSError."""
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.{DRAFT}", dir=target.parent))
    draft.chmod(0o777 & ~_umask())
    return draft


def put_in_place(draft: Path, target: Path) -> None:
    """Gives the draft the target's name; what stood there is removed last. Raises OSError, the target untouched."""
    if not target.exists():
        draft.rename(target)
    elif exchange(draft, target):
        shutil.rmtree(draft, ignore_errors=True)
    else:
        _one_after_the_other(draft, target)


def _one_after_the_other(draft: Path, target: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.{ASIDE}", dir=target.parent))
    target.rename(aside / target.name)
    try:
        draft.rename(target)
    except BaseException:
        (aside / target.name).rename(target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Two paths change names in a single step; False, and nothing changed, where the system cannot."""
    pair = os.fsencode(one), os.fsencode(other)
    try:
        library = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return int(library.renamex_np(*pair, EXCHANGE)) == 0
        return int(library.renameat2(HERE, pair[0], HERE, pair[1], EXCHANGE)) == 0
    except (AttributeError, TypeError):  # an older C library, or none of this kind
        return False


def set_aside(target: Path) -> Path:
    """Where a folder is to be read: its place, or where it was set aside when the writer was killed between two names.
    """
    if target.exists() or not target.name:
        return target
    left = sorted(target.parent.glob(f".{escape(target.name)}.{ASIDE}*/{escape(target.name)}"))
    return left[-1] if left else target


def sweep(target: Path) -> None:
    """Puts back what a killed writer set aside, then removes the drafts that it left. Only for who writes there alone.
    """
    left = set_aside(target)
    if left != target:
        left.rename(target)
    for kind in (DRAFT, ASIDE):
        for stale in target.parent.glob(f".{escape(target.name)}.{kind}*"):
            shutil.rmtree(stale, ignore_errors=True)


def take(lock: Path) -> TextIO:
    """A lock file held until it is closed or the process dies, its folder made where it is missing.

    Raises BlockingIOError where another holds it, another OSError where nothing can be written there.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    handle = lock.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        raise
    return handle


def write_whole(target: Path, content: bytes) -> None:
    """A file that is there whole or not at all, replacing what stands there. Raises OSError."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
