import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from vlrb.utils.errors import DataError, StateError
from vlrb.utils.files import atomic_path, inside, open_array, read_json, write_array, write_json, write_text
from vlrb.utils.fingerprint import array_fingerprint, canonical, fingerprint
from vlrb.utils.locks import folder_lock


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(OSError, match="disk full"), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise OSError("disk full")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_json_refuses_nan_and_names_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(DataError, match=r"b\.json: not valid JSON"):
        read_json(tmp_path / "b.json")
    with pytest.raises(DataError, match=r"c\.json: no such file"):
        read_json(tmp_path / "c.json")


def test_arrays_are_mapped_and_never_pickled(tmp_path: Path) -> None:
    write_array(tmp_path / "a.npy", np.arange(6, dtype=np.float32).reshape(2, 3))
    array = open_array(tmp_path / "a.npy")
    assert isinstance(array, np.memmap)
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    with (tmp_path / "evil.npy").open("wb") as file:
        np.lib.format.write_array(file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"evil\.npy: not a plain \.npy file"):
        open_array(tmp_path / "evil.npy")


def test_paths_from_data_stay_inside_their_root(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    assert inside(root, "a/b.png") == (root / "a" / "b.png").resolve()
    for bad in ("../outside/x", "/etc/passwd", "link/x", "a/../../outside"):
        with pytest.raises(DataError, match="leads outside"):
            inside(root, bad)


def test_fingerprints_do_not_depend_on_order_or_number_type() -> None:
    assert fingerprint({"a": 1, "b": [2.0]}) == fingerprint({"b": [2], "a": 1.0})
    assert fingerprint({"a": True}) != fingerprint({"a": 1})
    assert fingerprint("1") != fingerprint(1)
    assert canonical(float("inf")) == "inf"
    base = np.arange(4)
    assert array_fingerprint(base) != array_fingerprint(base.reshape(2, 2))
    assert array_fingerprint(base[::2]) == array_fingerprint(base[::2].copy())


def test_errors_cross_process_borders_whole() -> None:
    error = pickle.loads(pickle.dumps(DataError("what", "how")))
    assert (type(error), error.message, error.hint) == (DataError, "what", "how")


HOLDER = """
import pathlib, sys, time
from vlrb.utils.locks import folder_lock
folder = pathlib.Path(sys.argv[1])
with folder_lock(folder):
    (folder / "held").touch()
    time.sleep(60)
"""


@pytest.mark.process
def test_lock_refuses_or_waits_and_dies_with_its_process(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)]) as holder:
        for _ in range(3000):
            if (tmp_path / "held").exists() or holder.poll() is not None:
                break
            time.sleep(0.01)
        assert (tmp_path / "held").exists()
        with pytest.raises(StateError, match="in use by another process"), folder_lock(tmp_path, wait=False):
            pass
        threading.Timer(0.2, holder.kill).start()
        with folder_lock(tmp_path, timeout_s=30):  # free at once when its holder is killed
            pass
