"""The split that came with the data: SPLITS/<side>.{jsonl,json,txt}, splits.json, or a column of meta.parquet."""

from pathlib import Path

import pandas as pd

from vlrb.sources.base import Note
from vlrb.sources.reference.files import id_list
from vlrb.utils.errors import DataError
from vlrb.utils.files import read_json

TOGETHER = ("SPLITS/splits.json", "data/registry/splits.json", "data/splits.json")
SUFFIXES = (".jsonl", ".json", ".txt")


def read_split(root: Path, meta: pd.DataFrame | None, sample_ids: list[str], notes: list[Note]) -> list[str] | None:
    """Return the side of each sample as the data name it ("" where they name none); None if there is no split.

    Raises:
        DataError: A sample is on two sides, or a file cannot be read.
    """
    sides = _side_files(root) or _one_file(root)
    if sides is None:
        if meta is None or "split" not in meta:
            return None
        words = dict(zip(meta["sample_id"], meta["split"], strict=True))
        return [_known(words.get(sample_id, "")) for sample_id in sample_ids]
    side_of: dict[str, str] = {}
    for side, ids in sides.items():
        for sample_id in ids:
            if side_of.setdefault(sample_id, side) != side:
                raise DataError(f"SPLITS: sample {sample_id} is in {side_of[sample_id]} and in {side}")
    strangers = len(side_of.keys() - set(sample_ids))
    if strangers:
        notes.append(Note("unknown_samples", "SPLITS", "ids in the split that are no samples", strangers))
    return [side_of.get(sample_id, "") for sample_id in sample_ids]


def _side_files(root: Path) -> dict[str, list[str]] | None:
    files = sorted(p for p in (root / "SPLITS").glob("*") if p.suffix in SUFFIXES and p.stem != "splits")
    sides: dict[str, list[str]] = {}
    for path in files:
        name = path.relative_to(root).as_posix()
        if path.stem in sides:
            raise DataError(f"{name}: the side {path.stem} has another file", "keep one of them")
        sides[path.stem] = id_list(path, name)
    return sides or None


def _one_file(root: Path) -> dict[str, list[str]] | None:
    for name in TOGETHER:
        if (root / name).is_file():
            found = read_json(root / name)
            if not isinstance(found, dict) or not all(isinstance(ids, list) for ids in found.values()):
                raise DataError(f"{name}: must hold a list of ids for each side", '{"train": [...], "dev": [...], …}')
            return {side: [str(sample_id) for sample_id in ids] for side, ids in found.items()}
    return None


def _known(word: str) -> str:
    return "" if word == "unknown" else word  # what the reference writes for a sample without a side
