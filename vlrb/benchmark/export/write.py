"""Write an export as a whole folder: under a temporary name first, then renamed into place."""

import importlib
import pkgutil
import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from vlrb.benchmark.export import formats
from vlrb.benchmark.export.content import Content
from vlrb.utils.errors import ConfigError, StateError
from vlrb.utils.files import write_json, write_text
from vlrb.utils.suggest import did_you_mean

EXPORT_FILE = "EXPORT.json"
README_FILE = "README.md"
Format = Callable[[Path, Content], list[str]]
"""Writes the files of an export below a folder and returns notes: what the format cannot say, one sentence each."""


def find_format(name: str) -> Format:
    """Return the format of that name.

    Raises:
        ConfigError: There is none; the hint names those there are.
    """
    known = [module.name for module in pkgutil.iter_modules(formats.__path__)]
    if name not in known:
        raise ConfigError(f"export={name}: no such format", did_you_mean(name, known))
    found: Format = getattr(importlib.import_module(f"{formats.__name__}.{name}"), name)
    return found


def write_export(target: Path, name: str, content: Content) -> list[str]:
    """Write an export and return its notes; an export that is there already is replaced.

    Args:
        target: The folder to make.
        name: The format.
        content: What to write.

    Raises:
        ConfigError: There is no such format.
        StateError: The folder is there and holds something else than an export.
    """
    writer = find_format(name)
    check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        whole = staging / "new"
        whole.mkdir()
        notes = writer(whole, content)
        facts = {"format": name, "vlrb": version("vlrb"), **content.facts(), "notes": notes}
        write_json(whole / EXPORT_FILE, facts)
        write_text(whole / README_FILE, _readme(name, content, notes))
        if target.exists():
            target.replace(staging / "old")
        whole.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return notes


def check_target(target: Path) -> None:
    """Raise StateError if a folder holds something else than an export."""
    if not target.exists() or (target / EXPORT_FILE).is_file():
        return
    if target.is_dir() and not any(target.iterdir()):
        return
    raise StateError(f"{target}: there is something else already", "choose another folder: export_dir=…")


def _readme(name: str, content: Content, notes: list[str]) -> str:
    label = " (synthetic data)" if content.synthetic else ""
    split, seed = content.split_name
    lines = [
        f"# {content.name}{label}, exported as {name}",
        "",
        f"{len(content.samples):,} samples × {len(content.model_ids)} models. Costs: {content.pricing}, in USD per "
        f"query. Split: {split}, seed {seed}. {EXPORT_FILE} says the same to programs.",
        "",
        "What to know:",
        "",
        *[f"- {note}" for note in notes],
    ]
    return "\n".join(lines) + "\n"
