"""Too little memory, and errors of processes that were started to help: one line that says what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.multiprocessing.spawn import ProcessRaisedException

from vlrb.encoders.backbones.lxmert import LxmertBackbone
from vlrb.routers.mlp import MLPRouter
from vlrb.routers.neighbours import KNNRouter
from vlrb.routers.recipe import Recipe
from vlrb.routers.vlc import VLCRouter
from vlrb.tasks.failures import explain, explained
from vlrb.utils.errors import ConfigError, DataError, StateError

Call = Callable[..., tuple[int, str, str]]
CPU = (
    "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "8589934592 bytes. Error code 12 (Cannot allocate memory)"
)
WINDOWS = (
    "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes."
)
MPS = "MPS backend out of memory (MPS allocated: 8.00 GB). Tried to allocate 1.50 GB on private pool."
CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB"
SPAWNED = f"\n\n-- Process 0 terminated with the following error:\nTraceback …\ntorch.OutOfMemoryError: {CUDA}\n"


def vlc(batch_size: int) -> VLCRouter:
    router = VLCRouter()
    router.recipe, router.batch_size = Recipe(batch_size=batch_size), batch_size
    return router


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(CPU),
        RuntimeError(WINDOWS),
        RuntimeError(MPS),
        torch.cuda.OutOfMemoryError(CUDA),
        MemoryError(),
        ProcessRaisedException(SPAWNED, 0, 1),
    ],
    ids=["cpu", "windows", "mps", "cuda", "python", "spawned"],
)
def test_too_little_memory_names_batch_size_and_accumulation(error: Exception) -> None:
    """Half the batch, twice the batches per step: 32 × 3 = 16 × 6."""
    found = explain(error, vlc(32), 32, 3)
    assert isinstance(found, StateError)
    assert found.message.startswith("out of memory: a batch of 32 samples is too much for router 'vlc'")
    assert "\n" not in found.message
    wanted = "encoder.training.batch_size=16 trainer.accumulate_grad_batches=6"
    assert found.hint == f"{wanted}, or encoder.training.gradient_checkpointing=true"


def test_the_amount_is_told() -> None:
    assert "(2.00 GiB more were asked for)" in str(explain(torch.cuda.OutOfMemoryError(CUDA), vlc(2), 2))
    assert "(8589934592 bytes more were asked for)" in str(explain(RuntimeError(CPU), vlc(2), 2))


def test_hints_that_fit_the_router() -> None:
    error = MemoryError()
    assert explain(error, vlc(1), 1).hint.startswith("encoder.training.gradient_checkpointing=true")
    assert explain(error, MLPRouter(), 256).hint == "router.batch_size=128 trainer.accumulate_grad_batches=2"
    assert "batch_size" not in explain(error, KNNRouter(), 4096).hint


def test_errors_of_spawned_processes_keep_their_words() -> None:
    text = (
        "\n\n-- Process 1 terminated …\nTraceback …\nvlrb.utils.errors.DataError: sample a/1: broken\n  → delete it\n"
    )
    found = explain(ProcessRaisedException(text, 1, 1), vlc(2), 2)
    assert isinstance(found, DataError)
    assert (found.message, found.hint) == ("sample a/1: broken", "delete it")


def test_a_killed_worker_is_told() -> None:
    found = explain(RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), vlc(2), 2)
    assert "a process that prepares batches was killed" in str(found)
    assert "encoder.workers=0" in found.hint


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), KeyError("x")])
def test_other_errors_pass_as_they_are(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained(vlc(2), 2):
        raise error
    assert caught.value is error


def test_our_own_errors_pass_as_they_are() -> None:
    with pytest.raises(ConfigError, match="out of memory"), explained(vlc(2), 2):
        raise ConfigError("out of memory")


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
def test_a_command_that_runs_out_of_memory(tmp_path: Path, call: Call, monkeypatch, training: bool) -> None:
    plain: Any = LxmertBackbone.forward

    def forward(self: LxmertBackbone, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        deciding = state["trained"] and not self.training
        if (self.training and training) or (deciding and not training):
            raise RuntimeError(CPU)
        state["trained"] |= self.training
        return plain(self, inputs)

    state = {"trained": False}
    monkeypatch.setattr(LxmertBackbone, "forward", forward)
    words = ["router=vlc", "trainer=cpu", "trainer.max_epochs=1", "encoder.workers=0", "dataset.samples_per_dataset=8"]
    folders = [f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}"]
    code, _, err = call("train", *words, *folders)
    assert code == 1
    assert "Traceback" not in err
    assert "out of memory: a batch of 16 samples is too much for router 'vlc'" in err
    assert "encoder.training.batch_size=8 trainer.accumulate_grad_batches=2" in err
