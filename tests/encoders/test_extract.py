"""Extraction without networks: pooling, shared pictures, missing and unreadable ones, and rows known by content."""

import json
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from vlrb import schema
from vlrb.encoders.base import VisionEncoder
from vlrb.encoders.extract import benchmark_features, feature_path
from vlrb.encoders.precomputed import PrecomputedFeatures
from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import read_json

OPTIONS = {"pooling": "mean", "batch_size": 2, "workers": 1, "unreadable": "error"}


class MeanColour(VisionEncoder):
    """Mean red and green, and how often it was asked."""

    name, dim, revision = "mean_colour", 2, "1"

    def __init__(self, version: str = "1") -> None:
        self.seen = 0
        self.revision = version

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


def make_benchmark(root: Path, samples: list, prompts: list[str] | None = None) -> SimpleNamespace:
    images = [[{"content_hash": str(c)} for c in s] for s in samples]
    frame = pd.DataFrame({schema.SAMPLE_ID: [f"d/{i}" for i in range(len(samples))], schema.IMAGES: images})
    frame[schema.PROMPT] = prompts or "which colour?"
    return SimpleNamespace(root=root, samples=frame, picture_references=images, pictures=lambda: Pictures(samples))


def rows_of(root: Path, samples: list, encoder: MeanColour | None = None, force: bool = False, **options) -> np.ndarray:
    benchmark = make_benchmark(root, samples)
    return benchmark_features(benchmark, None, encoder or MeanColour(), OPTIONS | options, force)[1]


def manifest_of(root: Path, encoder: MeanColour) -> dict:
    return read_json(feature_path(root, encoder, "mean") / schema.MANIFEST_FILE)


@pytest.mark.parametrize(("pooling", "expected"), [("mean", [20, 4]), ("max", [30, 8]), ("first", [10, 0])])
def test_pooling_by_hand(tmp_path: Path, pooling: str, expected: list[float]) -> None:
    """Pictures (10, 0) and (30, 8) of one sample."""
    assert rows_of(tmp_path, [[A, B], [C], [B]], pooling=pooling).tolist() == [expected, [0, 90], [30, 8]]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_result_does_not_depend_on_batches_and_threads(tmp_path: Path, batch_size: int, workers: int) -> None:
    samples, encoder = [[A], [B, C], [], [C], [A, A, B], [B], []], MeanColour()
    found = rows_of(tmp_path, samples, encoder, batch_size=batch_size, workers=workers)
    assert found.tolist() == rows_of(tmp_path / "other", samples).tolist()
    assert manifest_of(tmp_path, encoder)["samples_without_picture"] == 2
    assert not found[[2, 6]].any()


def test_shared_pictures_are_encoded_once(tmp_path: Path) -> None:
    encoder = MeanColour()
    found = rows_of(tmp_path, [[A], [B], [A], [], [A], []], encoder)
    assert encoder.seen == 2
    assert found.tolist() == [[10, 0], [30, 8], [10, 0], [0, 0], [10, 0], [0, 0]]


def test_an_unreadable_picture_is_an_error_or_reported_never_a_zero(tmp_path: Path) -> None:
    samples, encoder = [[A], "bad", [B], "bad"], MeanColour()
    with pytest.raises(DataError, match=r"sample d/1: pictures\.tsv at 17"):
        rows_of(tmp_path, samples, encoder)
    assert not list(tmp_path.rglob("features.npy"))
    found = rows_of(tmp_path, samples, encoder, unreadable="report")
    assert np.isnan(found[[1, 3]]).all()
    assert found[[0, 2]].tolist() == [[10, 0], [30, 8]]
    reason = "sample d/1: pictures.tsv at 17: not a picture"
    assert manifest_of(tmp_path, encoder)["unreadable"] == {"1": reason, "3": reason}
    assert manifest_of(tmp_path, encoder)["samples_without_picture"] == 0


def test_unreadable_pictures_are_tried_again(tmp_path: Path) -> None:
    encoder, benchmark = MeanColour(), make_benchmark(tmp_path, [[A], "bad", [B]])

    def rows(**options) -> list:
        return benchmark_features(benchmark, None, encoder, OPTIONS | options)[1].tolist()

    rows(unreadable="report")
    with pytest.raises(DataError, match="sample d/1"):
        rows()
    kept = feature_path(tmp_path, encoder, "mean") / "features.npy"
    written = kept.stat().st_mtime_ns
    rows(unreadable="report")
    assert (encoder.seen, kept.stat().st_mtime_ns) == (2, written)
    benchmark.pictures = lambda: Pictures([[A], [C], [B]])  # repaired
    assert rows() == [[10, 0], [0, 90], [30, 8]]
    assert encoder.seen == 3


def test_what_is_there_is_enough_where_the_raw_data_are_gone(tmp_path: Path) -> None:
    benchmark = make_benchmark(tmp_path, [[A], "bad"])
    found = benchmark_features(benchmark, None, MeanColour(), OPTIONS | {"unreadable": "report"})[1]

    def gone() -> Pictures:
        raise StateError("its raw data are no longer there")

    benchmark.pictures = gone
    again = benchmark_features(benchmark, None, MeanColour(), OPTIONS)[1]
    assert np.array_equal(found, again, equal_nan=True)


@pytest.mark.parametrize(
    "option", [{"pooling": "median"}, {"unreadable": "skip"}, {"batch_size": 0}, {"workers": -1}], ids=str
)
def test_impossible_options(tmp_path: Path, option: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        rows_of(tmp_path, [[A]], **option)


def test_text_in_batches_and_without_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlrb.encoders.extract.TEXTS_PER_BATCH", 3)
    texts = [f"question number {i}" for i in range(7)]
    benchmark = make_benchmark(tmp_path, [[]] * 7, texts)
    found = benchmark_features(benchmark, HashedNgrams(), None, OPTIONS)[0]
    assert np.array_equal(found, HashedNgrams().encode(texts))
    none = make_benchmark(tmp_path / "none", [])
    text, pictures, _ = benchmark_features(none, HashedNgrams(), MeanColour(), OPTIONS)
    assert (text.shape, pictures.shape) == ((0, 256), (0, 2))


def test_features_of_a_benchmark(tmp_path: Path) -> None:
    benchmark, vision = make_benchmark(tmp_path, [[A], [B, C], [A]]), MeanColour()
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


def colours(numbers: range | list[int]) -> list:
    return [[(n, n // 2, 0)] for n in numbers]


def test_only_new_contents_are_encoded(tmp_path: Path) -> None:
    encoder = MeanColour()
    rows_of(tmp_path, colours(range(100)), encoder)
    assert encoder.seen == 100
    more = rows_of(tmp_path, colours(range(200)), encoder)
    assert encoder.seen == 200
    assert more[:, 0].tolist() == list(range(200))
    other = np.random.default_rng(0).permutation(200).tolist()
    assert rows_of(tmp_path, colours(other), encoder)[:, 0].tolist() == other
    assert rows_of(tmp_path, colours(other[50:]), encoder)[:, 0].tolist() == other[50:]
    assert encoder.seen == 200
    rows_of(tmp_path, colours(other[50:]), encoder, force=True)
    assert encoder.seen == 350
    rows_of(tmp_path, colours(other[50:]), MeanColour("2"))  # another revision has a folder of its own
    assert len(list((tmp_path / "features").iterdir())) == 2


def test_features_are_current_for_these_samples_only(tmp_path: Path) -> None:
    encoder, benchmark = MeanColour(), make_benchmark(tmp_path, colours(range(3)))
    with pytest.raises(StateError, match="missing or stale"):
        benchmark_features(benchmark, None, encoder, OPTIONS, allow=False)
    assert not (tmp_path / "features").exists()
    benchmark_features(benchmark, None, encoder, OPTIONS)
    manifest = manifest_of(tmp_path, encoder)
    assert {key: manifest[key] for key in ("encoder", "revision", "pooling", "dim", "samples")} == {
        "encoder": "mean_colour",
        "revision": "1",
        "pooling": "mean",
        "dim": 2,
        "samples": 3,
    }
    with pytest.raises(StateError, match="missing or stale"):
        benchmark_features(make_benchmark(tmp_path, colours(range(4))), None, encoder, OPTIONS, allow=False)


def test_folders_from_before_there_were_keys(tmp_path: Path) -> None:
    """They are used as they are, and made anew without a word when the samples change."""
    encoder = MeanColour()
    rows_of(tmp_path, colours(range(5)), encoder)
    folder = feature_path(tmp_path, encoder, "mean")
    (folder / "keys.npy").unlink()
    rows_of(tmp_path, colours(range(5)), encoder)
    assert encoder.seen == 5
    assert rows_of(tmp_path, colours(range(6)), encoder)[:, 0].tolist() == list(range(6))
    assert encoder.seen == 11


@pytest.mark.parametrize("damage", ["array", "keys", "manifest", "width"])
def test_damaged_folders_are_made_anew(tmp_path: Path, damage: str) -> None:
    encoder = MeanColour()
    whole = rows_of(tmp_path, colours(range(5)), encoder).tolist()
    folder = feature_path(tmp_path, encoder, "mean")
    if damage == "manifest":
        (folder / "manifest.json").write_text("{", encoding="utf-8")
    elif damage == "width":
        np.save(folder / "features.npy", np.zeros((5, 3), np.float32))
    else:
        path = folder / {"array": "features.npy", "keys": "keys.npy"}[damage]
        path.write_bytes(path.read_bytes()[:-9])
    samples = colours(range(6 if damage == "keys" else 5))
    assert rows_of(tmp_path, samples, encoder).tolist()[:5] == whole


def test_two_builders_at_once_encode_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    begun = threading.Event()

    class Slow(MeanColour):
        def encode(self, images: list[Image.Image]) -> np.ndarray:
            begun.set()
            return super().encode(images)

    encoders, found = [Slow(), Slow()], [None, None]

    def build(which: int) -> None:
        found[which] = rows_of(tmp_path, colours(range(200)), encoders[which])

    first = threading.Thread(target=build, args=(0,))
    first.start()
    assert begun.wait(timeout=60), "the first builder did not begin"
    build(1)
    first.join()
    assert (encoders[0].seen, encoders[1].seen) == (200, 0)
    assert found[0].tolist() == found[1].tolist()


def test_features_by_sample_id_are_looked_up(tmp_path: Path) -> None:
    file = tmp_path / "given.parquet"
    pd.DataFrame({"sample_id": [f"d/{i}" for i in range(9)], "embedding": [[i, 0.5] for i in range(9)]}).to_parquet(
        file
    )
    benchmark = make_benchmark(tmp_path, [[]] * 6)
    given = PrecomputedFeatures(str(file))
    text, pictures, _ = benchmark_features(benchmark, given, given, OPTIONS)
    assert text.tolist() == pictures.tolist() == [[i, 0.5] for i in range(6)]
    manifest = json.loads((feature_path(tmp_path, given) / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["samples_without_picture"] == 0
