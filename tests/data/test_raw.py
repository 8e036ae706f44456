"""Prompts and pictures reach a backbone: the right ones, in any batch, from any process, and errors name the sample."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vlrb.encoders.backbones.samples import RAW_KEYS
from vlrb.encoders.killed import died
from vlrb.utils.errors import DataError, StateError


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def world(tmp_path: Path) -> Any:
    return load("raw_world").RawWorld(tmp_path)


def shades(batch: Any, row: int) -> list[int]:
    return batch["pixels"][row, batch["picture_mask"][row], 0, 0, 0].tolist()


def rows(batches: Iterator[Any]) -> dict[int, tuple[list[int], list[int]]]:
    """Tokens and shades of each sample, without padding."""
    return {
        int(i): (batch["text_ids"][k][batch["text_mask"][k]].tolist(), shades(batch, k))
        for batch in batches
        for k, i in enumerate(batch["index"])
    }


@pytest.mark.parametrize("keep_mb", [0, 1])
def test_every_sample_has_its_own_prompt_and_pictures(world: Any, keep_mb: int) -> None:
    data = world.data(world.inputs(keep_mb))
    text = world.preprocess.text
    for _ in range(2):  # the second time from memory
        found = rows(data.train_dataloader()) | rows(data.val_dataloader())
        found |= rows(data.decision_data("test").predict_dataloader())
        assert sorted(found) == list(range(world.n))
        for i, (tokens, colours) in found.items():
            assert colours == world.shades[i + 1]
            assert tokens == text([world.prompts[i + 1]])["text_ids"][0].tolist()


def test_memory_gives_the_same_batches_as_decoding(world: Any) -> None:
    streamed, kept = world.data(world.inputs(0)), world.data(world.inputs(1))
    for _ in range(2):
        for a, b in zip(streamed.train_dataloader(), kept.train_dataloader(), strict=True):
            for key in RAW_KEYS:
                assert torch.equal(a[key], b[key])


def test_batch_size_changes_padding_alone(world: Any) -> None:
    one, many = (rows(world.data(batch_size=size).train_dataloader()) for size in (1, 24))
    assert one == many


def test_a_picture_is_decoded_once_and_those_of_test_each_time(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, loaded = world.inputs(1), []
    plain = inputs.pictures.load
    monkeypatch.setattr(inputs.pictures, "load", lambda row: loaded.append(row) or plain(row))
    data = world.data(inputs)
    for _ in range(3):
        list(data.train_dataloader())
        list(data.val_dataloader())
    again = world.view().split != "test"
    distinct = {shade for i in range(world.n) if again[i] for shade in world.shades[i + 1]}
    assert inputs.kept.filled() == len(distinct)
    assert len(loaded) <= len(distinct)
    loaded.clear()
    for _ in range(2):
        list(data.decision_data("test").predict_dataloader())
    assert len(loaded) == 2 * sum(bool(world.shades[i + 1]) for i in range(world.n) if not again[i])


def test_two_devices_see_every_sample_once_between_them(world: Any) -> None:
    from types import SimpleNamespace

    seen = []
    for rank in range(2):
        data = world.data(workers=0)
        cpu = SimpleNamespace(root_device=torch.device("cpu"))
        data.trainer = SimpleNamespace(world_size=2, global_rank=rank, num_devices=2, strategy=cpu)
        seen.append(rows(data.train_dataloader()))
    assert not set(seen[0]) & set(seen[1])
    assert seen[0] | seen[1] == rows(world.data().train_dataloader())


def damage(world: Any, shade: int) -> None:
    """Cut a picture's bytes off in the middle: the header is whole."""
    for listed in world.references:
        for reference in listed:
            if reference["content_hash"] == str(shade):
                reference["length"] = reference["length"] // 8 * 4


def test_an_unreadable_picture_names_sample_file_and_offset(world: Any) -> None:
    damage(world, 0)
    with pytest.raises(DataError, match=r"sample set/[01]: d.tsv at byte 0: not a readable picture") as error:
        list(world.data(shuffle=False).train_dataloader())
    assert "encoder.unreadable=report" in error.value.hint


@pytest.mark.process
def test_an_error_in_a_process_is_the_same_one_clear_line(world: Any) -> None:
    damage(world, 0)
    loader = world.data(shuffle=False, workers=2).train_dataloader()
    assert loader.num_workers == 2
    with pytest.raises(DataError) as error:
        list(loader)
    assert error.value.message.startswith("sample set/0: d.tsv at byte 0: not a readable picture")
    assert "\n" not in error.value.message
    assert "encoder.unreadable=report" in error.value.hint


def test_reported_samples_teach_nothing_and_are_decided_on_by_their_prompts(world: Any) -> None:
    """Shade 2 is of sample 5 (train), 3 of 6 and 7 (dev), 4 of 8 (test); sample 4 and 9 have no picture."""
    for shade in (2, 3, 4):
        damage(world, shade)
    inputs = world.inputs(1)
    found = inputs.find_damaged(range(1, world.n + 1))
    assert sorted(found) == [6, 7, 8, 9]
    assert found[7].startswith("d.tsv at byte")
    whole, data = world.data(world.inputs(0)), world.data(inputs)
    assert set(rows(data.train_dataloader())) == set(whole._index["train"].tolist()) - {5}
    assert set(rows(data.val_dataloader())) == set(whole._index["dev"].tolist()) - {6, 7}
    decided = rows(data.decision_data("dev").predict_dataloader()) | rows(
        data.decision_data("test").predict_dataloader()
    )
    assert set(decided) == set(whole._index["dev"].tolist()) | set(whole._index["test"].tolist())
    assert decided[7][1] == decided[8][1] == []


def test_a_dev_split_of_unreadable_pictures_alone_is_no_dev_split(world: Any) -> None:
    inputs = world.inputs(0)
    inputs.damaged = {int(i) + 1: "gone" for i in range(world.n) if world.view().split[i] == "dev"}
    assert world.data(inputs).val_dataloader() == []


def test_no_sample_has_a_picture(world: Any) -> None:
    world.references = [[] for _ in world.references]
    batch = next(iter(world.data().train_dataloader()))
    assert batch["pixels"].shape[:2] == (4, 0)


@pytest.mark.process
def test_processes_give_the_same_batches_in_the_same_order(world: Any) -> None:
    alone, beside = world.data(workers=0).train_dataloader(), world.data(workers=2).train_dataloader()
    for epoch in range(2):
        for loader in (alone, beside):
            loader.sampler.set_epoch(epoch)
        for a, b in zip(alone, beside, strict=True):
            assert a["index"].tolist() == b["index"].tolist()
            for key in RAW_KEYS:
                assert torch.equal(a[key], b[key])


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_small_splits_start_no_process(world: Any) -> None:
    """24 train samples in batches of 24, 8 dev samples in three batches of 3, 3 and 2."""
    assert world.data(workers=8, batch_size=24).train_dataloader().num_workers == 0
    assert world.data(workers=8).train_dataloader().num_workers == 3
    assert world.data(workers=8).val_dataloader().num_workers == 1
    assert world.data(workers=0).train_dataloader().num_workers == 0


def test_a_killed_process_is_explained() -> None:
    found = died(RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that\nmore"))
    assert isinstance(found, StateError)
    assert "Bus error" in found.message
    assert "encoder.workers=0" in found.hint
    assert died(RuntimeError("shapes do not match")) is None
