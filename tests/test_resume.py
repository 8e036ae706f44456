"""Trainings that are interrupted: the next command goes on, and what was left behind is used only if it fits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vlrb.routers.end_to_end import EndToEndRouter
from vlrb.schema import CHECKPOINT_FILE, DONE_FILE, WEIGHTS_FILE
from vlrb.tasks import resume
from vlrb.tasks.resume import EpochCheckpoint, begin, forget
from vlrb.utils.cli import ROOT

Call = Callable[..., tuple[int, str, str]]
CONFIG = {"overwrite": False, "seed": 0, "trainer": {}}
PARTS = {"costs": "1", "Y": "2"}


def write(folder: Path, **more: Any) -> EpochCheckpoint:
    """A checkpoint as an attempt leaves it (its state is not looked at before training)."""
    callback = begin(folder, CONFIG, PARTS)
    resume.write(callback.path, {"made_of": callback.made_of, "epoch": 3, "epochs": 20, "w": torch.zeros(999), **more})
    return callback


def said(capfd: pytest.CaptureFixture[str]) -> str:
    return " ".join(capfd.readouterr().out.split())


def test_a_fitting_checkpoint_is_gone_on_from_in_one_line(tmp_path, capfd):
    write(tmp_path)
    assert begin(tmp_path, CONFIG, PARTS).resume
    assert said(capfd) == "resuming after epoch 3 of 20"


def test_nothing_is_said_where_there_is_nothing(tmp_path, capfd):
    assert not begin(tmp_path, CONFIG, PARTS).resume
    assert said(capfd) == ""


def test_other_data_config_and_versions_are_named(tmp_path, capfd, monkeypatch):
    write(tmp_path)
    assert not begin(tmp_path, CONFIG, {**PARTS, "costs": "9"}).resume
    assert f"{CHECKPOINT_FILE} is not used: made with other costs; training starts anew" in said(capfd)
    assert not begin(tmp_path, {**CONFIG, "seed": 1}, PARTS).resume
    assert "made with other config;" in said(capfd)
    monkeypatch.setattr(resume, "_version", lambda name: "0.0")
    assert not begin(tmp_path, CONFIG, PARTS).resume
    assert "version of torch" in said(capfd)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_checkpoint_is_not_used(tmp_path, capfd, damage):
    path = write(tmp_path).path
    content = bytearray(path.read_bytes())
    place = content.find(bytes(999 * 4))  # the tensor's own bytes
    assert place > 0
    content[place + 100] = 1
    path.write_bytes({"cut": content[:-200], "flip": content, "empty": b"", "other": b"\x80\x04N."}[damage])
    assert not begin(tmp_path, CONFIG, PARTS).resume
    assert "is not used: damaged" in said(capfd)


def test_nothing_in_a_checkpoint_is_run(tmp_path, capfd):
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    path = write(tmp_path).path
    torch.save({"made_of": Trap()}, path)
    assert not begin(tmp_path, CONFIG, PARTS).resume
    assert "is not used" in said(capfd)
    assert not (tmp_path / "sprung").exists()


def test_a_file_of_another_kind_is_not_used(tmp_path, capfd):
    path = write(tmp_path).path
    torch.save([1, 2], path)
    assert not begin(tmp_path, CONFIG, PARTS).resume
    assert "not a checkpoint of this version" in said(capfd)


def test_overwrite_starts_anew_and_halves_are_cleared_away(tmp_path):
    write(tmp_path)
    (tmp_path / f".{CHECKPOINT_FILE}.abc.tmp.ckpt").write_bytes(b"half")
    assert not begin(tmp_path, {**CONFIG, "overwrite": True}, PARTS).resume
    assert list(tmp_path.iterdir()) == []
    forget(tmp_path)  # twice does no harm


# --- through the command line -----------------------------------------------------------------------------------------

TINY = [
    "encoder.backbone.sizes.hidden_size=16",
    "encoder.backbone.sizes.intermediate_size=16",
    "encoder.backbone.sizes.visual_feat_dim=16",
    "encoder.backbone.sizes.num_attention_heads=2",
    "encoder.backbone.sizes.x_layers=1",
    "encoder.backbone.pictures.size=32",
    "encoder.backbone.tower.channels=[8,16]",
]


def words(data: Path, runs: Path, *more: str) -> list[str]:
    size = ["dataset.samples_per_dataset=8", f"paths.data_dir={data}", "resamples=50"]
    job = ["router=vlc", "trainer=cpu", "trainer.max_epochs=6", "encoder.training.patience=9", "encoder.workers=0"]
    return [*job, *TINY, *size, f"paths.runs_dir={runs}", *more]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resume") / "data"


def one(runs: Path, name: str) -> Path:
    (found,) = runs.rglob(name)
    return found


@pytest.mark.slow
def test_the_same_command_goes_on_and_ends_the_same(data: Path, tmp_path: Path, call: Call, monkeypatch) -> None:
    code, out, _ = call("train", *words(data, tmp_path / "whole"))
    assert code == 0, out
    assert not list((tmp_path / "whole").rglob(CHECKPOINT_FILE))
    monkeypatch.setattr(EndToEndRouter, "on_train_batch_start", stop_at(3), raising=False)
    code, out, err = call("train", *words(data, tmp_path / "killed"))
    assert code == 1
    assert "stopped here" in err
    monkeypatch.undo()
    assert one(tmp_path / "killed", CHECKPOINT_FILE).stat().st_size > 0
    code, out, err = call("train", *words(data, tmp_path / "killed"))
    assert code == 0, err
    assert out.count("resuming after epoch 3 of 6") == 1
    weights = [one(tmp_path / runs, WEIGHTS_FILE).read_bytes() for runs in ("whole", "killed")]
    assert weights[0] == weights[1]
    assert not list((tmp_path / "killed").rglob(f"*{CHECKPOINT_FILE}*"))


def stop_at(epoch: int) -> Callable[..., None]:
    def hook(router: EndToEndRouter, batch: Any, batch_idx: int) -> None:
        if (router.current_epoch, batch_idx) == (epoch, 1):
            raise ValueError("stopped here")

    return hook


@pytest.mark.slow
@pytest.mark.process
def test_killed_by_the_system_it_goes_on_to_the_same_weights(data: Path, tmp_path: Path, call: Call) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def start(runs: str) -> "subprocess.Popen[str]":
        streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        command = [sys.executable, "train.py", *words(data, tmp_path / runs)]
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **streams)

    whole = start("whole")
    out, _ = whole.communicate(timeout=300)
    assert whole.returncode == 0, out
    process = start("killed")
    written: set[int] = set()
    while process.poll() is None and len(written) < 2:  # killed somewhere in or just after the third epoch
        written |= {path.stat().st_mtime_ns for path in (tmp_path / "killed").rglob(CHECKPOINT_FILE)}
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not list((tmp_path / "killed").rglob(DONE_FILE)), "it was too fast to be killed"
    again = start("killed")
    out, _ = again.communicate(timeout=300)
    assert again.returncode == 0, out
    assert "resuming after epoch " in out
    weights = [one(tmp_path / runs, WEIGHTS_FILE).read_bytes() for runs in ("whole", "killed")]
    assert weights[0] == weights[1]
