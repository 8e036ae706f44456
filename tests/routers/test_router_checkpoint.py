"""Saved routers: strict, safe, shared banks."""

import pytest
import torch

from vlrb.routers.checkpoint import load_router_weights, load_spec, save_router
from vlrb.schema import SPEC_FILE, WEIGHTS_FILE
from vlrb.utils.errors import DataError, StateError


@pytest.fixture(scope="module")
def knn(world):
    router = world.build("knn")
    world.fit(router, world.view())
    return router


def test_files_and_spec(knn, tmp_path):
    save_router(tmp_path, knn)
    assert {p.name for p in tmp_path.iterdir()} == {WEIGHTS_FILE, SPEC_FILE}
    assert load_spec(tmp_path) == knn.spec


def test_one_bank_for_many_runs(world, knn, tmp_path):
    banks = tmp_path / "banks"
    other = world.build("knn", k=3)
    world.fit(other, world.view())
    for folder, router in ((tmp_path / "a", knn), (tmp_path / "b", other)):
        save_router(folder, router, banks)
    assert len(list(banks.iterdir())) == 1
    whole, lean = knn.bank.numel() * 4, (tmp_path / "a" / WEIGHTS_FILE).stat().st_size
    assert lean < whole + sum(b.numel() * 4 for n, b in knn.named_buffers() if n != "bank")
    loaded = load_router_weights(tmp_path / "a", world.build("knn"), banks)
    assert torch.equal(loaded.bank, knn.bank)


def test_a_missing_or_changed_bank_is_named(world, knn, tmp_path):
    banks = tmp_path / "banks"
    save_router(tmp_path / "run", knn, banks)
    with pytest.raises(StateError, match="refers to the bank"):
        load_router_weights(tmp_path / "run", world.build("knn"))
    (bank,) = banks.iterdir()
    save_router(tmp_path / "other", knn)
    from safetensors.torch import save_file

    save_file({"bank": knn.bank + 1}, bank)
    with pytest.raises(StateError, match="does not hold what its name says"):
        load_router_weights(tmp_path / "run", world.build("knn"), banks)


def test_weights_of_another_router_are_refused(world, knn, tmp_path):
    save_router(tmp_path, knn)
    with pytest.raises(StateError, match="does not hold the weights of this router"):
        load_router_weights(tmp_path, world.build("linear"))


def test_missing_or_damaged_weights(world, knn, tmp_path):
    save_router(tmp_path, knn)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"\x80\x04 not tensors")
    with pytest.raises(DataError, match="no readable weights"):
        load_router_weights(tmp_path, world.build("knn"))
    (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(DataError, match="no readable weights"):
        load_router_weights(tmp_path, world.build("knn"))
