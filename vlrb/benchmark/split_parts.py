"""The parts of a benchmark that have to do with its split: marks of the pictures, and the split itself."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from vlrb import schema
from vlrb.benchmark import stages, tables
from vlrb.benchmark.likeness import marks, near
from vlrb.benchmark.likeness.table import COLUMNS, PAIRS, PictureTable, distinct_pictures, picture_table
from vlrb.benchmark.splits.groups import related_pictures
from vlrb.benchmark.splits.rule import SplitRule
from vlrb.benchmark.store import split_file
from vlrb.utils.fingerprint import file_fingerprint

PICTURES_PART = "pictures"
_COLUMNS = [schema.SAMPLE_ID, schema.DATASET, schema.IMAGES, schema.SPLIT_KEY]
# Raise a number when the code of a part changes what it writes.
_FORMATS = {"pictures": 2, "splits": 2}


class SplitParts:
    """What the parts are made from and how they are written.

    Args:
        root: The benchmark folder.
        logs: Folder that picture references are relative to.
        rule: The split.
    """

    def __init__(self, root: Path, logs: Path | str, rule: SplitRule) -> None:
        self.root, self.logs, self.rule = root, Path(logs), rule
        self._read: tuple[str, PictureTable] | None = None
        self.file = split_file(rule.label, rule.seed)
        self.split_part = f"{schema.SPLITS_FOLDER}/{rule.label}-{rule.seed}"

    def picture_inputs(self) -> dict[str, Any]:
        """Return what determines the marks (the pictures themselves are known by the content hashes of samples)."""
        return {
            "samples": stages.built(self.root, "records", schema.SAMPLES_FILE),
            "marks": [marks.ALGORITHM, marks.SIDE],
            "likeness": [near.HASH_BITS, near.DIFFERENCE, near.CELL_DIFFERENCE, near.ASPECT, near.DETAIL],
            "format": _FORMATS["pictures"],
        }

    def write_pictures(self, staging: Path) -> dict[str, Any]:
        """Write marks and pairs; pictures whose marks lie in the folder already are not decoded again."""
        images = tables.read_table(self.root / schema.SAMPLES_FILE, [schema.IMAGES])[schema.IMAGES]
        wanted, known = distinct_pictures(images), self._known()
        found = picture_table(wanted, self.logs, known)
        tables.write_table(staging / schema.PICTURES_FILE, found.frame, COLUMNS)
        pairs = pd.DataFrame(related_pictures(found), columns=PAIRS.names)
        tables.write_table(staging / schema.SAME_PICTURES_FILE, pairs, PAIRS)
        bad = len(found.unreadable)
        counts = {"distinct_pictures": len(found), "near_duplicates": len(pairs)}
        return {**counts, **({"unreadable": bad} if bad else {}), "marks": _marks_version()}

    def _known(self) -> PictureTable | None:
        """Return the marks that the folder holds, unless damaged or made by another algorithm or decoder."""
        part = stages.read_manifest(self.root)["parts"].get(PICTURES_PART)
        path = self.root / schema.PICTURES_FILE
        if part is None or part["facts"].get("marks") != _marks_version() or not path.is_file():
            return None
        if file_fingerprint(path) != part["files"][schema.PICTURES_FILE]["hash"]:
            return None
        return PictureTable.read(path)

    def pictures(self) -> PictureTable | None:
        """Return the marks of the benchmark's pictures; None if the rule does not look at them."""
        content = self.picture_content()
        if content is None:
            return None
        if self._read is None or self._read[0] != content:
            files = (self.root / schema.PICTURES_FILE, self.root / schema.SAME_PICTURES_FILE)
            self._read = content, PictureTable.read(*files)
        return self._read[1]

    def picture_content(self) -> str | None:
        """Return the content hash of the marks; None if the rule does not look at them."""
        files = (schema.PICTURES_FILE, schema.SAME_PICTURES_FILE)
        return stages.built(self.root, "splits", *files) if self.rule.near_duplicates else None

    def split_inputs(self) -> dict[str, Any]:
        """Return what determines the split."""
        return {
            "samples": stages.built(self.root, "records", schema.SAMPLES_FILE),
            "pictures": self.picture_content(),
            "split settings": self.rule.identity(),
            "format": _FORMATS["splits"],
        }

    def write_split(self, staging: Path) -> dict[str, Any]:
        """Write the split; return the number of samples on each side and of groups."""
        path = self.root / schema.SAMPLES_FILE
        samples = tables.read_table(path, [*_COLUMNS, *tables.present(path, [schema.GIVEN_SPLIT])]).to_pandas()
        frame = self.rule.assign(samples, self.pictures())
        path = staging / self.file
        path.parent.mkdir(parents=True)
        tables.write_table(path, frame, tables.SPLIT)
        return {**_sizes(frame), "groups": int(frame[schema.SPLIT_GROUP].nunique())}

    def split_content(self) -> list[Any]:
        """Return name, seed and content hash of the split."""
        return [self.rule.label, self.rule.seed, stages.built(self.root, "splits", self.file)]


def _sizes(frame: pd.DataFrame) -> dict[str, int]:
    sizes = frame[schema.SPLIT].value_counts()
    unused = {schema.UNUSED: int(sizes[schema.UNUSED])} if schema.UNUSED in sizes else {}
    return {**{name: int(sizes.get(name, 0)) for name in schema.SPLITS}, **unused}


def _marks_version() -> str:
    return f"{marks.ALGORITHM}, Pillow {version('pillow')}"
