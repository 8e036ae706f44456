"""Find log tables and TSV files below a root, each file once, nothing outside the root."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vlrb.sources.base import Note
from vlrb.sources.vlmevalkit.datasets import KNOWN
from vlrb.sources.vlmevalkit.names import TABLE_ENDINGS, is_noise, may_be_summary
from vlrb.sources.vlmevalkit.settings import Folders
from vlrb.utils.errors import DataError

EVALUATION, INFERENCE, WORK = "evaluation", "inference", "work"
SKIPPED_FOLDERS = ("logs", "images", "__pycache__")
_SCRATCH = re.compile(r"\d{2,}_.+\.pkl|~\$.*|\..*")
LAYOUT_HINT = (
    "expected <root>/VLMEvalKit_evaluation/<model>/<run>/<model>_<dataset>….xlsx, with VLMEvalKit_inference and "
    "TSV_images beside it, or a VLMEvalKit work folder <root>/<model>/[<run>/]<model>_<dataset>….xlsx"
)


@dataclass(frozen=True)
class FoundFile:
    """A table below a model's folder.

    Args:
        path: Absolute, links resolved.
        name: POSIX path relative to the root, for messages and records.
        section: evaluation, inference, or work (one folder for both).
        model: The model folder's name; "org/name" where models lie one level deeper.
        run: The run folder's name, "" if the file lies in the model's folder itself.
        rest: File stem without `<model>_`.
        size: Bytes.
        mtime_ns: Time of the last change.
    """

    path: Path
    name: str
    section: str
    model: str
    run: str
    rest: str
    size: int
    mtime_ns: int


@dataclass
class Layout:
    """What lies below a root."""

    tables: list[FoundFile] = field(default_factory=list)
    summaries: list[FoundFile] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    tsv: dict[str, Path] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def scan(root: Path, folders: Folders, where: str = "", models: Collection[str] | None = None) -> Layout:
    """Find everything below `root` without opening a file.

    Args:
        root: Folder with the logs.
        folders: Names of its subfolders.
        where: Where the logs can be had, told if they are not there.
        models: Look into the folders of these models alone; None = all.

    Raises:
        DataError: The root is missing, or holds no log tables.
    """
    if not root.is_dir():
        raise DataError(f"dataset.root: no such folder: {root}", where or LAYOUT_HINT)
    root = root.resolve()
    found: dict[Path, FoundFile] = {}
    ignored: dict[str, list[str]] = {}
    seen: set[str] = set()
    for section, folder in _sections(root, folders):
        for place in _models(folder, ignored, root, folders.pictures if section == WORK else ()):
            seen.add(place.model)
            if models is not None and place.model not in models:
                continue
            for file in _model_files(place, section, root, ignored):
                kept = found.get(file.path)
                if kept is None or (root / kept.name != file.path and root / file.name == file.path):
                    found[file.path] = file
    files = sorted(found.values(), key=lambda file: file.name)
    tables = [file for file in files if not _is_summary(file)]
    if not tables and (models is None or not seen):
        raise DataError(f"{root}: no VLMEvalKit tables in it ({_contents(root)})", where or LAYOUT_HINT)
    notes = [Note("ignored_files", names[0], reason, len(names)) for reason, names in sorted(ignored.items())]
    summaries = [file for file in files if _is_summary(file)]
    return Layout(tables, summaries, sorted(seen), _tsv_files(root, folders), notes)


def _is_summary(file: FoundFile) -> bool:
    return may_be_summary(file.path.stem, file.path.suffix)


def _sections(root: Path, folders: Folders) -> list[tuple[str, Path]]:
    sections = [(EVALUATION, root / name) for name in folders.evaluation]
    sections += [(INFERENCE, root / name) for name in folders.inference if name not in folders.evaluation]
    present = [(section, folder) for section, folder in sections if folder.is_dir()]
    if present:
        return present
    return [(WORK, root / name) for name in folders.work if (root / name).is_dir()] or [(WORK, root)]


class _Place(NamedTuple):
    """A model's folder, and what its files' names may begin with."""

    model: str
    folder: Path
    prefixes: tuple[str, ...]


def _models(folder: Path, ignored: dict[str, list[str]], root: Path, skipped: Collection[str]) -> Iterator[_Place]:
    """Yield the models of a section; a folder without logs of its own may be an organisation with models in it."""
    for own in _folders(folder, ignored, root):
        if own.name in skipped:
            continue
        place = _Place(own.name, own, (f"{own.name}_",))
        inner = [] if _has_logs(place, root) else [_inner(own.name, path) for path in _folders(own, {}, root)]
        yield from [nested for nested in inner if _has_logs(nested, root)] or [place]


def _inner(organisation: str, path: Path) -> _Place:
    prefixes = (f"{path.name}_", f"{organisation}--{path.name}_", f"{organisation}_{path.name}_")
    return _Place(f"{organisation}/{path.name}", path, prefixes)


def _has_logs(place: _Place, root: Path) -> bool:
    """Return whether a name in a folder, or one level below, begins as this model's files do."""
    names = [entry.name for entry in os.scandir(place.folder)]
    names += [entry.name for folder in _folders(place.folder, {}, root) for entry in os.scandir(folder)]
    organisation = place.model.rpartition("/")[0]
    return any(name.startswith(place.prefixes) or name == organisation for name in names) or not names


def _model_files(place: _Place, section: str, root: Path, ignored: dict[str, list[str]]) -> Iterator[FoundFile]:
    """Yield the files of a model's folder and of its run folders."""
    organisation = place.model.rpartition("/")[0]
    for run in ["", *(folder.name for folder in _folders(place.folder, ignored, root))]:
        folder = place.folder / run
        yield from _files(folder, section, place, run, root, ignored)
        if organisation and run and (folder / organisation).is_dir():  # the slash of the name made a folder here too
            yield from _files(folder / organisation, section, place, run, root, ignored)


def _folders(folder: Path, ignored: dict[str, list[str]], root: Path) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS or not entry.is_dir():
            continue
        if not _resolved(Path(entry.path)).is_relative_to(root):
            ignored.setdefault("a link that leads outside the root", []).append(_name(Path(entry.path), root))
            continue
        yield Path(entry.path)


def _files(
    folder: Path, section: str, place: _Place, run: str, root: Path, ignored: dict[str, list[str]]
) -> Iterator[FoundFile]:
    """Yield the tables and summaries of one folder; count what is left out, by reason."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        path = Path(entry.path)
        if path.is_dir():
            continue
        real = _resolved(path)
        reason = _reason_to_skip(path, real, root, place.prefixes)
        if reason:
            ignored.setdefault(reason, []).append(_name(path, root))
            continue
        status = real.stat()
        prefix = next(prefix for prefix in place.prefixes if path.stem.startswith(prefix))
        rest = path.stem.removeprefix(prefix)
        yield FoundFile(real, _name(path, root), section, place.model, run, rest, status.st_size, status.st_mtime_ns)


def _resolved(path: Path) -> Path:
    """Return a path without links; one whose links go in a circle stays as it is (and leads nowhere)."""
    try:
        return path.resolve()
    except RuntimeError:  # Python before 3.13
        return path


def _reason_to_skip(path: Path, real: Path, root: Path, prefixes: tuple[str, ...]) -> str:
    if not real.is_relative_to(root):
        return "a link that leads outside the root"
    if not real.is_file():
        return "a link that leads nowhere"
    if path.suffix == ".pkl" and any(path.stem.removeprefix(prefix) in KNOWN for prefix in prefixes):
        return (
            "a table that the kit could only pickle (never opened): write it as xlsx or tsv with the tool that made it"
        )
    if path.suffix == ".pkl" or _SCRATCH.fullmatch(path.name):
        return "a temporary or cache file of the kit (pickles are never opened)"
    is_table = path.suffix in TABLE_ENDINGS and not is_noise(path.stem)
    if not is_table and not may_be_summary(path.stem, path.suffix):
        return "a summary or another kind of file"
    if not path.stem.startswith(prefixes):
        return "a name that does not begin with its model folder's"
    return ""


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _contents(root: Path) -> str:
    names = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(root))
    return "it holds " + ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "it is empty"


def _tsv_files(root: Path, folders: Folders) -> dict[str, Path]:
    """Return stem → path of the dataset files (`_local` ones name their pictures instead of holding them)."""
    found: dict[str, Path] = {}
    for name in folders.pictures:
        folder = root / name
        if not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.tsv")):
            if path.is_file() and _resolved(path).is_relative_to(root):
                found.setdefault(path.stem, path.resolve())
    return found
