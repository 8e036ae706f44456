"""Extraction with torch networks: the same rows however it is done, each content once, and nothing lost by a kill."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from vlrb.encoders import predict
from vlrb.encoders.batches import plan_shards
from vlrb.encoders.extract import benchmark_features, feature_path
from vlrb.encoders.items import Prompts, text_keys
from vlrb.tasks.devices import SpawnedProcesses
from vlrb.tasks.extraction import make_feature_trainer
from vlrb.utils.cli import ROOT
from vlrb.utils.errors import ConfigError, DataError, StateError
from vlrb.utils.files import read_json

N = 40


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "SHARD_ROWS", 12)


def run(job: ModuleType, root: Path, samples: list, text=None, vision=None, texts=None, **options):
    """Return text rows and picture rows."""
    benchmark = job.make_benchmark(root, samples, texts)
    return benchmark_features(benchmark, text, vision, job.OPTIONS | options, make_trainer=job.trainers(1))[:2]


def by_hand(job: ModuleType, samples: list, pooling: str) -> np.ndarray:
    """Each picture by itself, then pooled with NumPy."""
    encoder, source = job.Colours(), job.Pictures(samples)
    pool = {"mean": lambda r: r.mean(axis=0), "max": lambda r: r.max(axis=0), "first": lambda r: r[0]}[pooling]
    rows = []
    for i in range(len(samples)):
        encoded = [encoder.encode([picture])[0] for picture in source.load(i)]
        rows.append(pool(np.array(encoded)) if encoded else np.zeros(encoder.dim))
    return np.array(rows)


@pytest.mark.parametrize("pooling", ["mean", "max", "first"])
def test_several_pictures_become_one_row(job: ModuleType, tmp_path: Path, pooling: str) -> None:
    """Samples with no, one and two pictures, one with more than a batch, and pictures that samples share."""
    samples = [*job.numbered(12), list(range(9)), [0, 3], [3], [3, 0]]
    _, found = run(job, tmp_path, samples, vision=job.Colours(), pooling=pooling)
    assert found == pytest.approx(by_hand(job, samples, pooling), abs=1e-5)
    assert not np.allclose(found[13], found[14])


@pytest.mark.parametrize(("batch_size", "shard"), [(1, 12), (7, 20)])
def test_rows_depend_neither_on_batches_nor_on_shards(
    job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch_size: int, shard: int
) -> None:
    monkeypatch.setattr(predict, "SHARD_ROWS", shard)
    benchmark = job.make_benchmark(tmp_path, job.numbered(N))
    texts = benchmark.samples["prompt"].tolist()
    text, vision = run(job, tmp_path, job.numbered(N), job.Words(), job.Colours(), batch_size=batch_size)
    one_by_one = np.concatenate([job.Words().encode([t]) for t in texts])
    assert text == pytest.approx(one_by_one, abs=1e-5)
    assert vision == pytest.approx(by_hand(job, job.numbered(N), "mean"), abs=1e-5)


@pytest.mark.process
def test_workers_prepare_the_same_and_their_errors_arrive(job: ModuleType, tmp_path: Path) -> None:
    samples = job.numbered(N)
    one = run(job, tmp_path / "0", samples, job.Words(), job.Colours())
    two = run(job, tmp_path / "2", samples, job.Words(), job.Colours(), workers=2)
    assert [a.tobytes() for a in one] == [a.tobytes() for a in two]
    samples[17] = [-17]
    with pytest.raises(DataError, match=r"^sample d/17: pictures\.tsv at 17: not a picture\n  → fetch it again$"):
        run(job, tmp_path / "bad", samples, vision=job.Colours(), workers=2)
    _, found = run(job, tmp_path / "bad", samples, vision=job.Colours(), workers=2, unreadable="report")
    assert np.flatnonzero(np.isnan(found).any(axis=1)).tolist() == [17]


def test_texts_are_batched_by_length_inside_a_shard() -> None:
    texts = ["aaa", "a", "aaaaa", "aa", "bbbbbb", "b"]
    items = Prompts(list("012345"), text_keys(texts), texts)
    assert plan_shards(items, range(6), 2, 4) == [[[2, 0], [3, 1]], [[4, 5]]]


def test_adding_100_samples_encodes_100_and_another_order_none(job: ModuleType, tmp_path: Path) -> None:
    texts = [f"question {i}" for i in range(150)]
    words, first = job.Words(), [[i] for i in range(150)]
    before, _ = run(job, tmp_path, first[:50], words, texts=texts[:50])
    before = np.array(before)
    assert words.seen == 50
    mixed = [*texts[100:], *texts[:50][::-1], *texts[50:100]]
    after, _ = run(job, tmp_path, first, words, texts=mixed)
    assert words.seen == 150
    assert np.array_equal(after[50:100][::-1], before)  # the very rows that were there
    assert after == pytest.approx(job.Words().encode(mixed), abs=1e-6)
    fewer, _ = run(job, tmp_path, first[:70], words, texts=mixed[20:90])
    assert words.seen == 150
    assert np.array_equal(fewer[30:70], before[::-1][:40])
    repeated, _ = run(job, tmp_path, first[:4], words, texts=[texts[40], "new", texts[40], "new"])
    assert words.seen == 151
    assert np.array_equal(repeated[0], repeated[2])


def test_adding_pictures_encodes_the_new_ones(job: ModuleType, tmp_path: Path) -> None:
    colours, benchmark = job.Colours(), job.numbered(150)
    pictures = sum(len(sample) for sample in benchmark[:50])
    run(job, tmp_path, benchmark[:50], vision=colours)
    assert colours.seen == pictures
    run(job, tmp_path, benchmark[::-1], vision=colours)
    assert colours.seen == sum(len(sample) for sample in benchmark)
    run(job, tmp_path, benchmark[20:120], vision=colours)
    assert colours.seen == sum(len(sample) for sample in benchmark)
    run(job, tmp_path, benchmark[:10], vision=colours, pooling="max")  # other rows
    assert colours.seen == sum(len(sample) for sample in [*benchmark, *benchmark[:10]])


def test_stopped_in_the_middle_it_goes_on_with_the_rest(
    job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shards of 12 of 40 texts, batches of 4: stopped in the eighth batch, two shards are done and 16 texts left."""
    whole, _ = run(job, tmp_path / "whole", job.numbered(N), job.Words())

    def stop(self, items: int) -> None:
        self.calls += 1
        if self.calls == 8:
            raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(job.Tiny, "count", stop)
        with pytest.raises(InterruptedError):
            run(job, tmp_path, job.numbered(N), job.Words())
    work = feature_path(tmp_path, job.Words()) / ".work"
    shards = sorted(work.glob("*.npy"))
    assert len(shards) == 2
    damaged = bytearray(shards[0].read_bytes())
    damaged[-7] ^= 4
    (work / "left.npy.tmp").write_bytes(b"half")
    words = job.Words()
    found, _ = run(job, tmp_path, job.numbered(N), words)
    assert words.seen == 16
    assert found.tobytes() == whole.tobytes()
    assert sorted(p.name for p in work.parent.iterdir()) == [".lock", "features.npy", "keys.npy", "manifest.json"]
    work.mkdir()
    (work / shards[0].name).write_bytes(damaged)  # also beside what is finished
    assert run(job, tmp_path, job.numbered(N), words)[0].tobytes() == whole.tobytes()
    assert not work.exists()


def test_a_damaged_shard_is_made_again(job: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("vlrb.encoders.store.FeatureStore.publish", lambda *_: None)
        with pytest.raises(StateError):
            run(job, tmp_path, job.numbered(N), job.Words())
    work = feature_path(tmp_path, job.Words()) / ".work"
    first, second, *_ = sorted(work.glob("*.npy"))
    damaged = bytearray(first.read_bytes())
    damaged[-7] ^= 4
    first.write_bytes(damaged)
    second.write_bytes(second.read_bytes()[:-100])
    lost = {p: len(np.load(p)) for p in work.glob("*.npy") if p not in (first, second)}
    words = job.Words()
    found, _ = run(job, tmp_path, job.numbered(N), words)
    assert words.seen == N - sum(lost.values())
    assert found == pytest.approx(run(job, tmp_path / "whole", job.numbered(N), job.Words())[0], abs=1e-6)


def test_unreadable_pictures_are_nan_and_tried_again(job: ModuleType, tmp_path: Path) -> None:
    samples = [*job.numbered(20), [-3], [-20, 7]]
    colours = job.Colours()
    _, found = run(job, tmp_path, samples, vision=colours, unreadable="report")
    manifest = read_json(feature_path(tmp_path, colours, "mean") / "manifest.json")
    assert np.flatnonzero(np.isnan(found).all(axis=1)).tolist() == [21]  # -3 has the content of 3, which was read
    assert manifest["unreadable"] == {"21": "sample d/21: pictures.tsv at 21: not a picture"}
    assert manifest["samples_without_picture"] == 2
    seen = colours.seen
    run(job, tmp_path, samples, vision=colours, unreadable="report")
    assert colours.seen == seen
    with pytest.raises(DataError, match="sample d/21"):
        run(job, tmp_path, samples, vision=colours)
    samples[21] = [20, 7]  # repaired
    _, found = run(job, tmp_path, samples, vision=colours)
    assert colours.seen == seen + 2
    assert found == pytest.approx(by_hand(job, [*samples[:20], [3], [20, 7]], "mean"), abs=1e-5)
    assert read_json(feature_path(tmp_path, colours, "mean") / "manifest.json")["unreadable"] == {}


def test_an_item_that_cannot_be_prepared_names_its_sample(job: ModuleType, tmp_path: Path) -> None:
    texts = ["one", "two", f"three {job.ODD}", "four"]
    with pytest.raises(DataError, match=r"sample d/2: its prompts cannot be prepared \(ValueError: no word for it\)"):
        run(job, tmp_path, [[1]] * 4, job.Words(), texts=texts, unreadable="report")


def test_a_row_that_is_not_finite_is_an_error(job: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not finite, the first is sample d/"):
        run(job, tmp_path, job.numbered(5), job.Words(float("inf")))
    assert not list(tmp_path.rglob("features.npy"))


def test_rows_of_another_width_are_refused(job: ModuleType, tmp_path: Path) -> None:
    words = job.Words()
    words.dim = 6
    words.net = torch.nn.Embedding(50, 5)
    with pytest.raises(StateError, match=r"shape \(5, 5\), not \(5, 6\)"):
        run(job, tmp_path, job.numbered(5), words)


def test_without_a_trainer_of_the_job_one_device_does_it(
    job: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    benchmark = job.make_benchmark(tmp_path, job.numbered(5))
    text, _, _ = benchmark_features(benchmark, job.Words(), None, job.OPTIONS)
    assert text.shape == (5, 5)
    assert capfd.readouterr() == ("", "")  # no remarks of Lightning's


def test_the_trainer_follows_the_config(job: ModuleType) -> None:
    two = job.TRAINER | {"devices": 2}
    assert isinstance(make_feature_trainer(two, [], single=False).strategy, SpawnedProcesses)
    assert make_feature_trainer(two, [], single=True).num_devices == 1
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="trainer: "):
            make_feature_trainer(job.TRAINER | {"accelerator": "gpu"}, [], single=False)


def start(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    program = Path(__file__).with_name("extraction_job.py")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(program), str(folder), *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, start_new_session=True, timeout=300, check=False
    )


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != ".lock")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


@pytest.mark.slow
@pytest.mark.process
def test_killed_at_a_shard_and_inside_one_the_rest_is_encoded(tmp_path: Path) -> None:
    """60 texts in shards of 12 and batches of 4: three calls a shard."""
    whole = start(tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.endswith("seen 60 65\n")
    killed = tmp_path / "killed"
    for words, left in ((["shard", "2"], 36), (["batch", "8"], 12), (["batch", "2"], 12)):
        done = start(killed, "1", *words)
        assert done.returncode == -9, (done.stdout, done.stderr)
        shards = [len(np.load(p)) for p in killed.rglob(".work/*.npy") if "words" in str(p)]
        assert 60 - sum(shards) == left
        assert not list(killed.rglob("features.npy"))
    end = start(killed)
    assert end.stdout.endswith("seen 12 65\n")
    assert files(killed) == files(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.process
def test_two_devices_give_what_one_gives(job: ModuleType, tmp_path: Path) -> None:
    """Also their progress is shared: what a killed pair has done is not done again, and an error arrives."""
    one, two = start(tmp_path / "one"), start(tmp_path / "two", "2")
    assert two.returncode == 0, two.stderr
    assert one.stdout.splitlines()[-1] == "seen 60 65"
    assert two.stdout.splitlines()[-1] == "seen 0 0"  # by other processes
    assert "Traceback" not in two.stderr
    arrays = {p.relative_to(tmp_path / "one"): np.load(p) for p in (tmp_path / "one").rglob("*.npy")}
    assert len(arrays) == 4
    for name, array in arrays.items():
        assert np.load(tmp_path / "two" / name) == pytest.approx(array, abs=1e-6)
    assert not list(tmp_path.rglob(".work"))


@pytest.mark.slow
@pytest.mark.process
def test_an_error_on_one_of_two_devices_arrives_whole(job: ModuleType, tmp_path: Path) -> None:
    code = re.sub(r"numbered\(60\)\)$", "[*numbered(59), [-60]])", Path(job.__file__).read_text(), flags=re.MULTILINE)
    program = tmp_path / "extraction_job.py"
    program.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(program), str(tmp_path / "data"), "2"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode == 1
    message = "vlrb.utils.errors.DataError: sample d/59: pictures.tsv at 59: not a picture"
    assert message in done.stderr.splitlines()
