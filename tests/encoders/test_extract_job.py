"""The whole way with networks as encoders: build, train, time, evaluate again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from vlrb.tasks.build import ensure_features, open_benchmark
from vlrb.tasks.train import train_job
from vlrb.utils.cli import ROOT
from vlrb.utils.config import to_plain


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: ModuleType) -> Iterator[dict[str, Any]]:
    """A training config with the tiny networks as encoders (`job` makes them importable)."""
    monkeypatch.setenv("VLRB_ROOT", str(ROOT))
    GlobalHydra.instance().clear()
    words = ["dataset.samples_per_dataset=6", "router=linear", "trainer=cpu", "resamples=20", "trainer.max_epochs=2"]
    places = [f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}"]
    with initialize_config_dir(config_dir=str(ROOT / "conf"), version_base="1.3"):
        plain = to_plain(compose("train", overrides=[*words, *places]), "train")
    plain["encoder"]["text"] = {"_target_": f"{job.__name__}.Words", "bias": 0.0}
    plain["encoder"]["vision"] = {"_target_": f"{job.__name__}.Colours", "bias": 0.0}
    plain["encoder"]["workers"] = 0
    yield plain
    GlobalHydra.instance().clear()


@pytest.mark.slow
def test_networks_as_encoders_from_logs_to_an_evaluated_run(
    config: dict[str, Any], call: Callable[..., tuple[int, str, str]], capfd: pytest.CaptureFixture[str]
) -> None:
    folder = train_job(config).folder
    out, err = capfd.readouterr()
    assert "GPU available" not in out + err  # Lightning's remarks are for nobody
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test/throughput_total"] > 0
    assert metrics["test/queries_per_second_total"] < metrics["test/queries_per_second_router"]
    code, out, err = call("evaluate", f"run={folder}", f"paths.data_dir={config['paths']['data_dir']}")
    assert code == 0, err
    assert "all as stored" in out
    features = ensure_features(config, open_benchmark(config), allow=False)
    assert (features.text.shape[1], features.vision.shape[1]) == (5, 5)
