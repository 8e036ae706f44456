"""A few samples with pictures of known shades in a real TSV file, and data modules on them."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from vlrb.benchmark.pictures import SamplePictures
from vlrb.data.batch import RAW
from vlrb.data.datamodule import BatchSettings, BenchmarkDataModule
from vlrb.data.kept_pixels import keep_pixels
from vlrb.data.raw import RawInputs
from vlrb.data.tradeoff import TradeOff
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.backbones.text import LearnedTokens
from vlrb.metrics.bounds import CostBounds

SIZE = 8


def picture_bytes(shade: int, side: int = 16, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), (shade, 0, 255 - shade)).save(buffer, kind)
    return buffer.getvalue()


class RawWorld:
    """`n` samples, every 5th without pictures, every 7th with two; sample i has shade i // 2, so pairs share a picture.

    Rows of the benchmark are those of the view + 1. Train, dev and test take turns (6 : 2 : 2).
    """

    def __init__(self, folder: Path, n: int = 40, side: int = 16) -> None:
        self.n, self.folder = n, folder
        self.shades = [[]] + [[] if i % 5 == 4 else [i // 2, 200][: 1 + (i % 7 == 6)] for i in range(n)]
        cells = {shade: base64.b64encode(picture_bytes(shade, side)) for listed in self.shades for shade in listed}
        places, data = {}, b""
        for shade, cell in cells.items():
            places[shade], data = len(data), data + cell + b"\n"
        (folder / "d.tsv").write_bytes(data)
        self.references = [
            [
                {"path": "d.tsv", "offset": places[shade], "length": len(cells[shade]), "encoding": "base64"}
                | {"width": side, "height": side, "content_hash": str(shade)}
                for shade in listed
            ]
            for listed in self.shades
        ]
        self.prompts = ["", *(f"question {i} " + "word " * (i % 4) for i in range(n))]
        text = LearnedTokens(vocab_size=300, max_length=24)
        text.learn(self.prompts)
        self.preprocess = SamplePreprocessor(text.preprocessor(), PictureInputs(SIZE))

    def view(self) -> SimpleNamespace:
        n = self.n
        turns = ["train"] * 6 + ["dev"] * 2 + ["test"] * 2
        return SimpleNamespace(
            rows=np.arange(1, n + 1),
            sample_ids=np.array([f"set/{i}" for i in range(n)]),
            model_ids=("A", "B"),
            Y=np.stack([np.arange(n) % 2, np.ones(n)], axis=1).astype(np.float32),
            C=np.tile([1e-4, 2e-4], (n, 1)),
            split=np.array([turns[i % 10] for i in range(n)]),
            split_group=np.arange(n),
            dataset=np.zeros(n, dtype=np.int64),
            dataset_names=("set",),
            bounds=CostBounds(1e-4, 2e-4, "raw"),
            fingerprint="raw",
        )

    def inputs(self, keep_mb: int = 0) -> RawInputs:
        import pyarrow as pa

        split = self.view().split
        again = np.flatnonzero((split == "train") | (split == "dev")) + 1
        kept = keep_pixels(self.references, again, SIZE, keep_mb)
        pictures = SamplePictures(self.folder, pa.chunked_array([pa.array(self.references)]))
        return RawInputs(self.prompts, pictures, self.preprocess, kept)

    def data(self, inputs: RawInputs | None = None, **settings: Any) -> BenchmarkDataModule:
        given = BatchSettings(frozenset({RAW}), **{"batch_size": 4, "eval_batch_size": 3, **settings})
        return BenchmarkDataModule(self.view(), {RAW: inputs or self.inputs(1)}, TradeOff(0.5), given)
