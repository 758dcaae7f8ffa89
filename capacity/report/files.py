"""Files appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from capacity.errors import InputError


def write_whole(target: Path, text: str) -> Path:
    """Writes a file beside its place and moves it there. Raises InputError when it cannot."""
    draft = target.with_name(f".{os.getpid()}.{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise InputError(f"{target}: cannot write the report: {error.strerror or error}") from None
    finally:
        if draft.parent.is_dir():
            draft.unlink(missing_ok=True)
    return target
