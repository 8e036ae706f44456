"""Features on disk: killed or out of space at any step, what is there is whole and a rerun ends the same."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from vlrb.encoders.cache import Contents, ensure_features, feature_path
from vlrb.encoders.items import content_key, picture_keys, text_keys
from vlrb.encoders.shards import Shards
from vlrb.encoders.text.hashed import HashedNgrams
from vlrb.utils.errors import ConfigError, DataError, StateError

DIM = 8


def contents(numbers: list[int], asked: list[int] | None = None) -> Contents:
    """Samples whose row is their number; `asked` collects what is encoded. Shards of three."""
    keys = text_keys([str(number) for number in numbers])

    def encode(todo: list[int], shards: Shards) -> None:
        for start in range(0, len(todo), 3):
            part = todo[start : start + 3]
            if asked is not None:
                asked.extend(numbers[i] for i in part)
            rows = np.repeat(np.array([[numbers[i]] for i in part], np.float32), DIM, axis=1)
            shards.write([keys[i] for i in part], rows)

    return Contents(str(numbers), keys, set(), encode)


def ensure(root: Path, numbers: list[int], asked: list[int] | None = None, **options: bool) -> list[int]:
    found = ensure_features(root, HashedNgrams(dim=DIM), contents(numbers, asked), **options)
    assert found.shape == (len(numbers), DIM)
    assert not np.diff(np.asarray(found), axis=1).any()
    return found[:, 0].astype(int).tolist()


def folder_of(root: Path) -> Path:
    return feature_path(root, HashedNgrams(dim=DIM))


def files(root: Path) -> dict[str, bytes]:
    found = sorted(p for p in root.rglob("*") if p.is_file() and p.name != ".lock")
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in found}


OLD, NEW = list(range(10)), [7, 3, *range(20, 32), 3, 1]


@pytest.mark.parametrize("call", ["fsync", "replace", "unlink", "rmtree"])
def test_stopped_at_any_step_the_next_run_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Every n-th call that changes the disk fails in turn: a kill or a full disk there."""
    ensure(tmp_path / "whole", NEW)
    wanted = files(tmp_path / "whole")
    place = {"fsync": os, "replace": Path, "unlink": Path, "rmtree": __import__("shutil")}[call]
    original, stops = getattr(place, call), 0
    for allowed in range(40):
        root, left = tmp_path / str(allowed), [allowed]
        ensure(root, OLD)

        def limited(*args, left=left, **options):
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            left[0] -= 1
            return original(*args, **options)

        asked: list[int] = []
        with monkeypatch.context() as patch:
            patch.setattr(place, call, limited)
            try:
                assert ensure(root, NEW, asked) == NEW
            except OSError:
                stops += 1
            else:
                break
        before = list(asked)
        assert ensure(root, NEW, asked) == NEW
        assert sorted(asked) in (list(range(20, 32)), sorted([*range(20, 32), *before[-3:]]))  # at most one shard twice
        assert files(root) == wanted
    assert stops >= {"fsync": 7, "replace": 10, "unlink": 1, "rmtree": 1}[call]


def test_a_full_disk_leaves_the_old_features_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(tmp_path, OLD)
    before = files(tmp_path)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            ensure(tmp_path, NEW)
    assert ensure(tmp_path, OLD, allow=False) == OLD
    assert files(tmp_path) == before


def test_force_encodes_everything_and_forgets_unfinished_work(tmp_path: Path) -> None:
    shards = Shards(folder_of(tmp_path) / ".work", "other", DIM)
    shards.write(text_keys(["1"]), np.ones((1, DIM), np.float32))
    asked: list[int] = []
    ensure(tmp_path, OLD, asked)
    assert asked == OLD
    assert ensure(tmp_path, OLD, asked, force=True) == OLD
    assert asked == OLD + OLD
    assert sorted(path.name for path in folder_of(tmp_path).iterdir()) == [
        ".lock",
        "features.npy",
        "keys.npy",
        "manifest.json",
    ]


def test_a_sample_that_nobody_encodes_is_an_error(tmp_path: Path) -> None:
    lazy = contents(OLD)._replace(encode=lambda todo, shards: None)
    with pytest.raises(StateError, match="10 samples were not encoded"):
        ensure_features(tmp_path, HashedNgrams(dim=DIM), lazy)
    assert not (folder_of(tmp_path) / "features.npy").exists()


def test_shards_are_believed_only_whole_and_of_the_same_encoder(tmp_path: Path) -> None:
    shards, keys = Shards(tmp_path, "encoder", 2), text_keys(["a", "b", "c"])
    shards.write(keys[:2], np.array([[1, 2], [3, 4]], np.float32))
    shards.write(keys[2:], np.array([[5, 6]], np.float32), {content_key(["d"]): "torn"})
    assert Shards(tmp_path, "encoder", 2).unreadable() == {content_key(["d"]): "torn"}
    assert shards.begin() == set(keys)
    assert shards.unreadable() == {}  # they are tried again
    assert sorted(np.concatenate([shard.rows for shard in shards]).ravel().tolist()) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(StateError, match="shape"):
        shards.write(keys, np.zeros((3, 3), np.float32))
    one = next(path for path in tmp_path.glob("*.npy") if b"\xa0@" in path.read_bytes()[-8:])  # 5 as float32
    for data in (one.read_bytes()[:-1], one.read_bytes()[:-1] + b"\0", b""):
        one.write_bytes(data)
        assert shards.begin() == set(keys[:2])
        assert not one.exists()
    assert Shards(tmp_path, "another encoder", 2).begin() == set()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error",
    [DataError("torn", "mend it"), ConfigError("no"), OSError(errno.ENOSPC, "No space left on device", "x.npy")],
    ids=["data", "config", "system"],
)
def test_an_error_reaches_another_process_whole(tmp_path: Path, error: Exception) -> None:
    shards = Shards(tmp_path, "encoder", 2)
    assert shards.failure() is None
    shards.note_failure(ValueError("a defect has a traceback, not a message"))
    assert shards.failure() is None
    shards.note_failure(error)
    found = Shards(tmp_path, "encoder", 2).failure()
    assert type(found) is type(error)
    assert str(found) == str(error)
    shards.begin()
    assert shards.failure() is None


def test_keys_tell_contents_apart() -> None:
    def picture(content: str, **more: object) -> dict:
        return {"content_hash": content, "path": "a.tsv", "offset": 3, "width": 10, **more}

    listed = [[picture("p"), picture("q")], [picture("q"), picture("p")], [picture("pq")], [], [picture("p", offset=9)]]
    keys = picture_keys(listed)
    assert len(set(keys)) == len(keys)
    assert picture_keys([[picture("p", path="b.tsv")], [picture("p")]])[0] == picture_keys([[picture("p")]])[0]
    damaged = picture_keys([[picture("", width=0)], [picture("", width=0, offset=9)]])
    assert damaged[0] != damaged[1]
