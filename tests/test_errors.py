"""Bad input on the command line: one clear line, exit code ≠ 0, no traceback, nothing written."""

from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def places(tmp_path: Path) -> list[str]:
    return [f"paths.data_dir={tmp_path / 'data'}", f"paths.runs_dir={tmp_path / 'runs'}"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["lambda=-1"], ["lambda", "at least 0", "-1"]),
        (["lambda=abc"], ["'abc'", "a number ≥ 0, inf, or one of"]),
        (["lambda=nan"], ["lambda"]),
        (["sede=4"], ["unknown key 'sede'", "did you mean 'seed'"]),
        (["+sede=4"], ["unknown key 'sede'", "did you mean 'seed'"]),
        (["router=mpl"], ["router=mpl", "did you mean 'mlp'"]),
        (["routr=mlp"], ["unknown key 'routr'", "did you mean 'router'"]),
        (["router.dropot=0.1"], ["unknown key 'router.dropot'", "did you mean 'router.dropout'"]),
        (["router=vlc", "router.lr=0.001"], ["unknown key 'router.lr'", "did you mean 'encoder.training.lr'"]),
        (["router=vlc", "encoder=offline"], ["router=vlc reads prompts and pictures itself", "lxmert_tiny"]),
        (
            ["router=vlc", "encoder.text=hashed"],
            ["encoder.text has no effect: router=vlc reads", "encoder.backbone.text, encoder.backbone.pictures"],
        ),
        (["router=vlc", "encoder.vision.grid=1"], ["encoder.vision.grid has no effect"]),
        (["encoder=lxmert_tiny"], ["router=mlp reads frozen features", "encoder=offline"]),
        (["router=knn", "+router.kk=9"], ["unknown key 'router.kk'", "did you mean 'k'"]),
        (["router=knn", "router.k=five"], ["router.k", "a whole number", "'five'"]),
        (["router=knn", "router.k=0"], ["router.k", "at least 1"]),
        (["router.dropout=1.5"], ["router.dropout"]),
        (["seed=four"], ["seed must be a whole number"]),
        (["missing=drop"], ["missing=drop: no such choice", "did you mean 'drop_sample'"]),
        (["preset=lambda_swep"], ["preset=lambda_swep", "did you mean 'lambda_sweep'"]),
        (["pricing=flatt"], ["did you mean 'flat'"]),
        (["dataset=vlmevalkit", "dataset.name=x"], ["dataset.root has no value"]),
        (["dataset=vlmevalkit", "dataset.root=/nowhere/logs", "dataset.name=x"], ["/nowhere/logs"]),
        (["dataset.name=a/b"], ["dataset.name must be a plain folder name"]),
        (["router=knn,mlp"], ["is a list of values", "add -m"]),
        (["router"], ["'router' is not an override"]),
        (["-m", "--cfg", "job", "lambda=0,1"], ["--cfg shows the configuration of one job"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_words_of_train(call: Call, places: list[str], tmp_path: Path, words: list[str], parts: list[str]) -> None:
    code, _, err = call("train", *words, *places)
    assert code == 1
    assert "Traceback" not in err
    assert err.startswith("error: ")
    for part in parts:
        assert part in err
    assert not list(tmp_path.iterdir())  # not even an empty folder


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["give run=<folder> or runs="]),
        (["run=/nowhere"], ["/nowhere"]),
        (["runs=/nowhere/*"], ["/nowhere"]),
        (["run=a", "runs=b"], ["run and runs"]),
        (["scope=tset"], ["scope=tset", "did you mean 'test'"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_words_of_evaluate(call: Call, places: list[str], words: list[str], parts: list[str]) -> None:
    code, _, err = call("evaluate", *words, *places)
    assert code == 1
    assert "Traceback" not in err
    for part in parts:
        assert part in err


def test_bad_stage_of_build_data(call: Call, places: list[str]) -> None:
    code, _, err = call("build_data", "stages=[record]", *places)
    assert code == 1
    assert "did you mean 'records'" in err


def test_traceback_only_when_asked(call: Call, places: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLRB_TRACEBACK", "1")
    code, _, err = call("train", "lambda=-1", *places)
    assert code == 1
    assert "Traceback" in err


@pytest.mark.parametrize("script", ["train", "evaluate", "build_data"])
def test_help(call: Call, script: str) -> None:
    code, out, _ = call(script, "--help")
    assert code == 0
    assert out.startswith(("Train", "Evaluate", "Turn"))
