"""A benchmark small enough to work out by hand: six samples of two datasets, three models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from vlrb.benchmark.build import BuildSettings, build_benchmark
from vlrb.benchmark.pool import ModelPool
from vlrb.benchmark.pricing import PriceBook
from vlrb.benchmark.splits import Splitter
from vlrb.benchmark.store import Benchmark
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer
from vlrb.sources.base import Note, RecordSet

MODELS = ["large", "mid", "small"]
# Tokens of the texts in the Tekken vocabulary: a word that is in it is one token, so is every digit.
PROMPTS = ["Hello world", "12345", "Hello", "12", "Hello world", "1"]  # 2, 5, 1, 2, 2, 1
ANSWERS = {"Hello": 1, "Hello world": 2, "123": 3, "": 0}
PICTURES = [["p"], ["q"], ["p"], ["q", "r"], [], ["s"]]  # content hashes
QUALITY = {"large": [1, 1, 1, 0, 1, None], "mid": [1, 0, 0.7, 0, 0, 1], "small": [1, 0, 0, 0, 0.4, 0]}
PREDICTIONS = {
    "large": ["Hello world", "123", "Hello", "Hello", "Hello", None],
    "mid": ["Hello", "Hello", "Hello", "Hello", "Hello", "Hello"],
    "small": ["", "Hello", "Hello", "Hello", "Hello", "123"],
}


class TinySource:
    """In-memory source; `version` stands for the log files' sizes and times, `reads` counts how often they are read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.version = 1
        self.reads = 0
        self.quality = {model: list(values) for model, values in QUALITY.items()}
        self.predictions = {model: list(values) for model, values in PREDICTIONS.items()}

    def fingerprint(self) -> dict[str, Any]:
        return {"version": self.version}

    def read(self) -> RecordSet:
        self.reads += 1
        notes = [Note(kind="ignored_file", where="large/x_acc.csv", message="a summary", count=1)]
        return RecordSet(samples=self._samples(), records=self._records(), model_ids=list(MODELS), notes=notes)

    def ids(self) -> list[str]:
        return ["A/0", "A/1", "A/2", "B/0", "B/1", "B/2"]

    def _samples(self) -> pd.DataFrame:
        ids = self.ids()
        return pd.DataFrame(
            {
                "sample_id": ids,
                "dataset": [sample_id[0] for sample_id in ids],
                "group": ["General"] * 3 + ["STEM"] * 3,
                "task": "vqa_mc",
                "question": PROMPTS,
                "prompt": PROMPTS,
                "suffix": ["", "", "", "", " world", ""],  # B/1: "Hello world world" = 3 tokens
                "images": [[self._picture(name) for name in names] for names in PICTURES],
                "split_key": "",
            }
        )

    def _picture(self, name: str) -> dict[str, Any]:
        size = (self.root / f"{name}.png").stat().st_size
        where = {"path": f"{name}.png", "offset": 0, "length": size, "encoding": "file"}
        return {**where, "width": 4, "height": 2, "content_hash": name * 8}

    def _records(self) -> pd.DataFrame:
        rows = [
            (sample_id, model, self.quality[model][i], "rule", f"{model}/log.xlsx", self._flags(model, i))
            for model in MODELS
            for i, sample_id in enumerate(self.ids())
        ]
        columns = ["sample_id", "model_id", "quality", "graded_by", "source", "flags"]
        frame = pd.DataFrame(rows, columns=columns)
        frame["quality"] = frame["quality"].astype("float32")
        frame[["graded_by", "source", "flags"]] = frame[["graded_by", "source", "flags"]].astype("category")
        frame["prediction"] = pd.array([p for model in MODELS for p in self.predictions[model]], dtype="str")
        return frame.astype({"sample_id": "category", "model_id": "category"})

    def _flags(self, model: str, i: int) -> str:
        return "missing_prediction;ungraded" if self.predictions[model][i] is None else ""


@pytest.fixture
def source(tmp_path: Path) -> TinySource:
    root = tmp_path / "logs"
    root.mkdir()
    for shade, name in enumerate("pqrs"):
        Image.new("RGB", (4, 2), (shade, 0, 0)).save(root / f"{name}.png")
    return TinySource(root)


@pytest.fixture(scope="session")
def tekken() -> TekkenTokenizer:
    """One tokenizer for all tests: its vocabulary is read once."""
    return TekkenTokenizer()


@pytest.fixture
def choices(tekken: TekkenTokenizer) -> dict[str, Any]:
    """Pool, tokens, price book and split; 10 tokens a picture."""
    return {
        "pool": ModelPool("all"),
        "tokens": TokenCounter("tekken", tekken, picture_tokens=10),
        "price_book": book(),
        "split": Splitter(),
    }


def book(name: str = "list", large: float = 2.0) -> PriceBook:
    prices = {
        "large": {"input": large, "output": 10.0},
        "mid": {"input": 1.0, "output": 1.0},
        "small": {"input": 0.5, "output": 0.5},
    }
    return PriceBook(name, "2025-01-01", "made up", prices)


@pytest.fixture
def make_book() -> Callable[..., PriceBook]:
    return book


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "bench"


@pytest.fixture
def build(root: Path, source: TinySource, choices: dict[str, Any]) -> Callable[..., Benchmark]:
    """Build the tiny benchmark: keyword arguments replace choices, or are build settings."""

    def run(**changes: Any) -> Benchmark:
        settings = {key: changes.pop(key) for key in ("stages", "force", "strict", "synthetic") if key in changes}
        return build_benchmark(root, source, **{**choices, **changes}, settings=BuildSettings(**settings))

    return run
