"""Builds that are killed, run side by side or run out of disk: what is left is whole, and a rerun ends the same."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlrb.benchmark import stages
from vlrb.demo.generator import DemoGenerator
from vlrb.utils.cli import ROOT

Call = Callable[..., tuple[int, str, str]]
SIZE = 6  # questions per dataset
TMPFS = 12 << 20


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs") / "vlm_router_data"
    DemoGenerator(str(root), SIZE).write()
    return root


def words(logs: Path, data: Path, *more: str) -> list[str]:
    """What builds the demo from logs that are there already; several builds may share them."""
    given = [f"dataset.root={logs}", "dataset.generator=null", f"paths.data_dir={data}"]
    return [*given, "stages=[records,tokens,costs,splits,validate,features]", *more]


def start(logs: Path, data: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "build_data.py", *words(logs, data)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the locks, which hold nothing."""
    found = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if path.name != ".lock"}


def check_parts_are_whole(folder: Path) -> None:
    """Every part that the manifest lists has its files, of the listed size and content."""
    for part in stages.read_manifest(folder)["parts"].values():
        for name, entry in part["files"].items():
            assert (folder / name).stat().st_size == entry["bytes"]
            assert stages.file_fingerprint(folder / name) == entry["hash"]


@pytest.mark.slow
@pytest.mark.process
def test_killed_at_random_moments_a_rerun_gives_the_same_bytes(logs: Path, tmp_path: Path) -> None:
    began = time.perf_counter()
    assert start(logs, tmp_path / "whole").wait() == 0
    duration = time.perf_counter() - began
    wanted = files(tmp_path / "whole" / "demo")
    moments = random.Random(4)
    killed = 0
    for attempt in range(10):
        folder = tmp_path / f"killed-{attempt % 2}" / "demo"  # each goes on where it was killed the last time
        process = start(logs, folder.parent)
        time.sleep(duration * moments.uniform(0.25, 0.9))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its worker processes too, as a power cut would
            process.wait()
            killed += 1
            check_parts_are_whole(folder)
        else:  # what was left to do took less: begin anew
            assert process.returncode == 0
            assert files(folder) == wanted
            shutil.rmtree(folder)
    assert killed >= 5
    for number in range(2):
        folder = tmp_path / f"killed-{number}" / "demo"
        assert start(logs, folder.parent).wait() == 0
        assert files(folder) == wanted


@pytest.mark.slow
@pytest.mark.process
def test_two_builds_of_one_benchmark_at_the_same_time(logs: Path, tmp_path: Path) -> None:
    assert start(logs, tmp_path / "alone").wait() == 0
    both = [start(logs, tmp_path / "shared") for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert any("waiting for another process" in output for output in outputs)
    assert files(tmp_path / "shared" / "demo") == files(tmp_path / "alone" / "demo")


@pytest.mark.slow
def test_a_disk_that_fills_at_any_write_leaves_the_old_benchmark(
    logs: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = "dataset.source.select.datasets=[MMStar,OCRBench]"
    assert call("build_data", *words(logs, tmp_path, few))[0] == 0
    before = files(tmp_path / "demo")
    changed = [*words(logs, tmp_path, few), "split.seed=1", "tokens.picture_tokens=100", "force=true"]
    synced, left, failures = os.fsync, [0], 0
    for allowed in range(1, 100, 9):
        left[0] = allowed

        def full(handle: int) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            synced(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            code, _, error = call("build_data", *changed)
        check_parts_are_whole(tmp_path / "demo")
        if code == 0:
            break
        failures += 1
        assert "no space left" in error.lower()
        assert "Traceback" not in error
    assert code == 0
    assert failures >= 4
    assert call("build_data", *words(logs, tmp_path, few), "force=true")[0] == 0
    again = files(tmp_path / "demo")
    assert {name: again[name] for name in before if name != "manifest.json"} == {
        name: content for name, content in before.items() if name != "manifest.json"
    }


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where this process may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("cannot mount a small file system here")
    yield place
    subprocess.run(["umount", str(place)], check=False)


@pytest.mark.process
@pytest.mark.slow
def test_a_disk_that_is_really_full(logs: Path, small_disk: Path, call: Call) -> None:
    few = "dataset.source.select.datasets=[MMStar]"
    assert call("build_data", *words(logs, small_disk, few))[0] == 0
    before = files(small_disk / "demo")
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"0" * (room.f_bavail * room.f_frsize - 20_000))
    code, _, error = call("build_data", *words(logs, small_disk))  # all 14 datasets
    assert code == 1
    assert "no space left" in error.lower()
    assert "Traceback" not in error
    assert files(small_disk / "demo") == before
    (small_disk / "ballast").unlink()
    assert call("build_data", *words(logs, small_disk))[0] == 0
