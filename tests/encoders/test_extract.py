"""Extraction: pooling, shared pictures, missing and unreadable ones, and the cache on disk."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vlrb import schema
from vlrb.encoders.base import VisionEncoder
from vlrb.encoders.extract import (
    Extracted,
    benchmark_features,
    ensure_features,
    extract_pictures,
    extract_text,
    feature_path,
)
from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import read_json

OPTIONS = {"pooling": "mean", "batch_size": 2, "workers": 1, "unreadable": "error"}


class MeanColour(VisionEncoder):
    """Mean red and green, and how often it was asked."""

    name, dim, revision = "mean_colour", 2, "1"

    def __init__(self) -> None:
        self.seen = 0

    def settings(self) -> dict:
        return {}

    def encode(self, images: list[Image.Image]) -> np.ndarray:
        self.seen += len(images)
        return np.array([np.asarray(i, float).mean(axis=(0, 1))[:2] for i in images], np.float32)


class Pictures:
    """Samples as lists of colours; "bad" cannot be decoded."""

    def __init__(self, samples: list) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def load(self, i: int) -> list[Image.Image]:
        if self.samples[i] == "bad":
            raise DataError("pictures.tsv at 17: not a picture", "fetch it again")
        return [Image.new("RGB", (4, 4), colour) for colour in self.samples[i]]


A, B, C = (10, 0, 0), (30, 8, 0), (0, 90, 0)


@pytest.mark.parametrize(("pooling", "expected"), [("mean", [20, 4]), ("max", [30, 8]), ("first", [10, 0])])
def test_pooling_by_hand(pooling: str, expected: list[float]) -> None:
    """Pictures (10, 0) and (30, 8) of one sample."""
    found = extract_pictures(MeanColour(), Pictures([[A, B], [C]]), pooling)
    assert found.rows.tolist() == [expected, [0, 90]]
    assert (found.without_picture, found.unreadable) == (0, {})


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_result_does_not_depend_on_batches_and_threads(batch_size: int, workers: int) -> None:
    samples = [[A], [B, C], [], [C], [A, A, B], [B], []]
    found = extract_pictures(MeanColour(), Pictures(samples), batch_size=batch_size, workers=workers)
    assert found.rows.tolist() == extract_pictures(MeanColour(), Pictures(samples)).rows.tolist()
    assert found.without_picture == 2
    assert not found.rows[[2, 6]].any()


def test_shared_pictures_are_encoded_once() -> None:
    encoder = MeanColour()
    found = extract_pictures(encoder, Pictures([[A], [B], [A], [], [A], []]), keys=["a", "b", "a", "", "a", ""])
    assert encoder.seen == 2
    assert found.rows.tolist() == [[10, 0], [30, 8], [10, 0], [0, 0], [10, 0], [0, 0]]
    assert found.without_picture == 2


def test_an_unreadable_picture_is_an_error_or_reported_never_a_zero() -> None:
    pictures = Pictures([[A], "bad", [B], "bad"])
    with pytest.raises(DataError, match="at 17"):
        extract_pictures(MeanColour(), pictures)
    found = extract_pictures(MeanColour(), pictures, keys=[0, 1, 2, 1], unreadable="report")
    assert np.isnan(found.rows[[1, 3]]).all()
    assert found.rows[[0, 2]].tolist() == [[10, 0], [30, 8]]
    assert found.unreadable == {1: "pictures.tsv at 17: not a picture", 3: "pictures.tsv at 17: not a picture"}
    assert found.without_picture == 0


@pytest.mark.parametrize("option", [{"pooling": "median"}, {"unreadable": "skip"}, {"batch_size": 0}, {"workers": 0}])
def test_impossible_options(option: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        extract_pictures(MeanColour(), Pictures([[A]]), **option)


def test_text_in_batches() -> None:
    texts = [f"question number {i}" for i in range(7)]
    assert np.array_equal(extract_text(HashedNgrams(), texts, 3).rows, HashedNgrams().encode(texts))
    assert extract_text(HashedNgrams(), []).rows.shape == (0, HashedNgrams().dim)


def test_cache_is_used_until_samples_or_settings_change(tmp_path: Path) -> None:
    calls = []

    def load() -> Extracted:
        calls.append(1)
        return Extracted(np.full((3, 8), len(calls), np.float32), without_picture=1)

    def ensure(encoder: HashedNgrams, samples: str, **options: bool) -> float:
        return float(ensure_features(tmp_path, encoder, samples, load, **options)[0, 0])

    small = HashedNgrams(dim=8)
    assert [ensure(small, "s"), ensure(small, "s")] == [1, 1]
    assert ensure(small, "other samples") == 2
    assert ensure(HashedNgrams(dim=16), "other samples") == 3
    assert ensure(small, "other samples") == 2
    assert ensure(small, "other samples", force=True) == 4
    with pytest.raises(StateError, match="missing or stale"):
        ensure(small, "new", allow=False)
    folder = feature_path(tmp_path, small)
    manifest = read_json(folder / schema.MANIFEST_FILE)
    assert folder.parent == tmp_path / "features"
    assert (manifest["encoder"], manifest["revision"], manifest["dim"]) == ("hashed_ngrams", "1", 8)
    assert (manifest["samples"], manifest["samples_without_picture"]) == (3, 1)
    (folder / schema.MANIFEST_FILE).unlink()  # killed before the manifest was written
    assert ensure(small, "other samples") == 5


def fake_benchmark(root: Path, samples: list) -> SimpleNamespace:
    images = [[{"content_hash": str(c)} for c in s] for s in samples]
    frame = pd.DataFrame({schema.SAMPLE_ID: [f"d/{i}" for i in range(len(samples))], schema.IMAGES: images})
    frame[schema.PROMPT] = "which colour?"
    return SimpleNamespace(root=root, samples=frame, pictures=lambda: Pictures(samples))


def test_features_of_a_benchmark(tmp_path: Path) -> None:
    benchmark, vision = fake_benchmark(tmp_path, [[A], [B, C], [A]]), MeanColour()
    text, pictures, identity = benchmark_features(benchmark, HashedNgrams(), vision, OPTIONS)
    assert text.shape == (3, 256)
    assert pictures.tolist() == [[10, 0], [15, 49], [10, 0]]
    assert vision.seen == 3
    again = benchmark_features(benchmark, HashedNgrams(), vision, OPTIONS, allow=False)
    assert again[2] == identity
    assert vision.seen == 3
    pooled = benchmark_features(benchmark, HashedNgrams(), vision, OPTIONS | {"pooling": "max"})
    assert pooled[1].tolist() == [[10, 0], [30, 90], [10, 0]]
    assert pooled[2] != identity
    text, pictures, _ = benchmark_features(benchmark, HashedNgrams(), None, OPTIONS)
    assert text is not None
    assert pictures is None


def test_an_unreadable_picture_names_its_sample(tmp_path: Path) -> None:
    benchmark = fake_benchmark(tmp_path, [[A], "bad"])
    with pytest.raises(DataError, match=r"sample d/1: pictures\.tsv at 17"):
        benchmark_features(benchmark, None, MeanColour(), OPTIONS)
    assert not list(tmp_path.rglob("features.npy"))
