"""Picture references as the reference layout writes them: a row number of a TSV file, or the path of a picture."""

from pathlib import Path
from typing import Any

import pandas as pd

from vlrb import schema
from vlrb.sources.pictures import FILE
from vlrb.sources.vlmevalkit.tables import KEY
from vlrb.sources.vlmevalkit.tsv import read_tsv
from vlrb.utils.console import say
from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import inside

Asset = dict[str, Any]


def sample_assets(samples: pd.DataFrame, root: Path) -> list[list[Asset]]:
    """Return the assets of each sample.

    Args:
        samples: sample_id, dataset and images.
        root: Folder that the references are relative to.

    Raises:
        StateError: The folder is no longer there.
        DataError: A TSV file no longer holds a picture where it was.
    """
    images = samples[schema.IMAGES].tolist()
    paths = {str(ref["path"]) for refs in images for ref in refs}
    if paths and not root.is_dir():
        raise StateError(f"the raw data are no longer at {root}", "give the folder: dataset.root=…")
    root = root.resolve()
    tables = sorted({str(ref["path"]) for refs in images for ref in refs if ref["encoding"] != FILE})
    if tables:
        say(f"finding the rows of the pictures in {len(tables)} TSV file{'s' if len(tables) > 1 else ''}")
    rows = {path: _TsvRows(inside(root, path), root) for path in tables}
    keys = [
        str(sample_id)[len(str(dataset)) + 1 :]
        for sample_id, dataset in zip(samples[schema.SAMPLE_ID], samples[schema.DATASET], strict=True)
    ]
    return [_assets(key, refs, rows, root) for key, refs in zip(keys, images, strict=True)]


def _assets(key: str, refs: list[Asset], rows: dict[str, "_TsvRows"], root: Path) -> list[Asset]:
    found: list[Asset] = []
    for ref in refs:
        path = str(ref["path"])
        where = (root / path).as_posix()
        if ref["encoding"] == FILE:
            asset: Asset = {"type": "image", "uri": where}
        else:
            index = rows[path].row(key, int(ref["offset"]))
            asset = {"type": "image_tsv", "tsv_file": where, "index": index, "description": f"row {index} of {path}"}
        if asset not in found:  # several pictures of one cell are one row
            found.append(asset)
    return found


class _TsvRows:
    """Row numbers of a TSV file, by the key of the row and by where a picture's bytes begin."""

    def __init__(self, path: Path, root: Path) -> None:
        index = read_tsv(path, root)
        self.name = index.name
        self.by_key = {key: number for number, key in enumerate(index.table[KEY].tolist())}
        self.offsets: dict[int, set[int]] = {}
        for key, refs in index.pictures.items():
            for ref in refs:
                self.offsets.setdefault(int(ref["offset"]), set()).add(self.by_key[key])

    def row(self, key: str, offset: int) -> int:
        """Return the sample's own row if it holds or refers to the picture, else the first that does."""
        found = self.offsets.get(offset)
        if not found:
            raise DataError(
                f"{self.name}: no picture at byte {offset} any more", "build the benchmark again: force=true"
            )
        own = self.by_key.get(key)
        return own if own in found else min(found)
