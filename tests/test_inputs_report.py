"""What an end-to-end run says of prompts and pictures that its router does not see, and what makes it another run."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from vlrb.data.raw import RawInputs
from vlrb.encoders.backbones.limits import check_text
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.backbones.text import LearnedTokens
from vlrb.tasks.backbone import kept_megabytes, raw_fingerprint, workers_of
from vlrb.tasks.inputs_report import lines, report_inputs
from vlrb.tasks.state import begin, end, finished
from vlrb.utils.cli import ROOT
from vlrb.utils.config import identity
from vlrb.utils.errors import ConfigError, StateError

PICTURE = {"content_hash": "a", "width": 1}
PROMPTS = ["unused", "short", "two words", "word " * 30, "short", "word " * 40]


def world() -> tuple[RawInputs, Any, Any]:
    """Rows 1 to 5: train, train, dev, test, test; two are longer than 16 tokens; pictures 1, 0, 2, 1, 0."""
    text = LearnedTokens(vocab_size=300, max_length=16)
    text.learn(PROMPTS)
    inputs = RawInputs(PROMPTS, SimpleNamespace(), SamplePreprocessor(text.preprocessor(), PictureInputs(8)))
    counts = [3, 1, 0, 2, 1, 0]
    samples = pd.DataFrame(
        {"sample_id": [f"s/{i}" for i in range(6)], "prompt": PROMPTS, "images": [[PICTURE] * k for k in counts]}
    )
    split = np.array(["train", "train", "dev", "test", "test"])
    view = SimpleNamespace(
        rows=np.arange(1, 6),
        sample_ids=np.array([f"s/{i}" for i in range(1, 6)]),
        members=lambda name: np.flatnonzero(split == name),
    )
    return inputs, SimpleNamespace(samples=samples, picture_references=samples["images"].tolist()), view


def report(folder: Path, damaged: dict[int, str] | None = None) -> dict[str, Any]:
    inputs, benchmark, view = world()
    inputs.damaged = damaged or {}
    report_inputs(folder, SimpleNamespace(inputs=frozenset({"raw"})), {"raw": inputs}, benchmark, view)
    return json.loads((folder / "inputs.json").read_text("utf-8"))


def test_figures_by_hand(tmp_path: Path) -> None:
    found = report(tmp_path)
    longest = world()[0].preprocess.text.lengths(PROMPTS).max()
    assert found["prompts"] == {
        "total": 5,
        "limit": 16,
        "longer": 2,
        "longest": longest,
        "longer_by_split": {"train": 0, "dev": 1, "test": 1},
    }
    assert found["pictures"] == {"samples_without": 2, "samples_with_several": 1, "most": 2, "distinct_kept": 0}
    assert found["unreadable"] == {}


def test_lines_for_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = report(tmp_path, {4: "d.tsv at byte 9: not a readable picture", 0: "not of this view"})
    said = " ".join(capsys.readouterr().out.split())
    longest = found["prompts"]["longest"]
    assert (
        f"2 of 5 prompts (40.0 %) are longer than 16 tokens and lose their end (longest {longest}); "
        "encoder.backbone.text.max_length raises the limit"
    ) in said
    assert "2 of 5 samples have no picture" in said
    assert "1 of 5 samples have several pictures, at most 2" in said
    assert "the pictures of 1 samples cannot be read (first s/4: d.tsv at byte 9" in said
    assert found["unreadable"] == {"s/4": "d.tsv at byte 9: not a readable picture"}


def test_nothing_to_say_says_nothing() -> None:
    prompts = {"total": 5, "limit": 16, "longer": 0, "longest": 9}
    assert lines({"prompts": prompts, "pictures": {"samples_without": 0, "samples_with_several": 0, "most": 1}}) == []


def test_other_routers_write_nothing(tmp_path: Path) -> None:
    _, benchmark, view = world()
    report_inputs(tmp_path, SimpleNamespace(inputs=frozenset({"features"})), {}, benchmark, view)
    assert not list(tmp_path.iterdir())


def test_how_inputs_are_loaded_is_not_what_a_run_is() -> None:
    def of(**encoder: Any) -> str:
        return identity({"trainer": {}, "encoder": {"workers": 1, "keep_mb": 1, "unreadable": "error", **encoder}})

    backbone = {"backbone": {"name": "tiny"}}
    assert of(**backbone) == of(**backbone, workers=4) == of(**backbone, keep_mb=0)
    assert of(**backbone) != of(**backbone, unreadable="report")
    assert of(**backbone) != of(backbone={"name": "base"})
    assert of() != of(workers=4)  # as it always was


@pytest.mark.parametrize("change", ["prompt", "picture"])
def test_another_prompt_or_picture_is_named(tmp_path: Path, change: str) -> None:
    config = {"trainer": {}, "encoder": {"backbone": {}}, "overwrite": False}
    _, benchmark, _ = world()
    before = {"split": "s", "prompts and pictures": raw_fingerprint(benchmark)}
    begin(tmp_path, config, {})
    end(tmp_path, config, before, None, 1.0)
    if change == "prompt":
        benchmark.samples.loc[2, "prompt"] = "two other words"
    else:
        benchmark.samples.loc[1, "images"].append({**PICTURE, "content_hash": "b"})
    after = before | {"prompts and pictures": raw_fingerprint(benchmark)}
    assert finished(tmp_path, config, before) is not None
    with pytest.raises(StateError, match=r"changed: prompts and pictures"):
        finished(tmp_path, config, after)


@pytest.mark.parametrize(("key", "value"), [("workers", -1), ("workers", "two"), ("keep_mb", -1), ("keep_mb", 0.5)])
def test_options_out_of_range(key: str, value: object) -> None:
    read = workers_of if key == "workers" else kept_megabytes
    with pytest.raises(ConfigError, match=rf"encoder\.{key} must be"):
        read({key: value})


def test_a_tokenizer_fits_its_network() -> None:
    text = LearnedTokens(vocab_size=300, max_length=16)
    text.learn(PROMPTS)
    known = text.vocabulary()
    check_text(text, 16, known)
    with pytest.raises(ConfigError, match=r"max_length=16, but this network reads at most 15 tokens"):
        check_text(text, 15, known)
    with pytest.raises(ConfigError, match=rf"the tokenizer has {known} tokens, but this network knows {known - 1} ids"):
        check_text(text, 16, known - 1)


@pytest.mark.parametrize("path", sorted((ROOT / "conf/encoder").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_encoder_with_a_backbone_lists_how_inputs_are_loaded(path: Path) -> None:
    node = yaml.safe_load(path.read_text("utf-8"))
    inherits = any(isinstance(base, str) and base != "_self_" for base in node.get("defaults", []))
    if "backbone" in node and not inherits:
        assert {"workers", "keep_mb", "unreadable"} <= set(node)
