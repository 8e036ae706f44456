"""Every file in conf/ and multirun_presets/ composes, and every YAML says what its constructor says."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from vlrb.utils.cli import ROOT
from vlrb.utils.config import VALUE_KEYS, check_root, identity, run_folder, to_plain
from vlrb.utils.errors import ConfigError
from vlrb.utils.help import config_groups, help_text
from vlrb.utils.instantiate import TARGET, locate

CONF = ROOT / "conf"
SCRIPTS = ("train", "evaluate", "build_data")
NEEDS = {
    "dataset=vlmevalkit": ["dataset.root=.", "dataset.name=mine"],
    "dataset=outcomes_table": ["dataset.root=outcomes.csv", "dataset.name=mine"],
    "dataset=reference": ["dataset.root=.", "dataset.name=mine"],
    "encoder/training=frozen": ["encoder=lxmert_tiny"],
    "encoder/training=lora": ["encoder=lxmert_tiny"],
    "encoder/training=pretrained": ["encoder=lxmert_tiny"],
    "encoder/training=scratch": ["encoder=lxmert_tiny"],
    "encoder/text=huggingface": ["encoder.text.model=BAAI/bge-m3"],
    "encoder/vision=huggingface": ["encoder.vision.model=facebook/dinov2-base"],
    "encoder/vision=timm": ["encoder.vision.model=resnet18"],
    "encoder/text=precomputed": ["encoder.text.path=bge-m3.parquet"],
    "encoder/vision=precomputed": ["encoder.vision.path=dinov2-base.parquet"],
}
OPTIONS = sorted(
    {
        (script, f"{group.replace('.', '/')}={option}")
        for script in SCRIPTS
        for group, options in config_groups(script, CONF)
        for option in options
    }
)


@pytest.fixture(autouse=True)
def _clean_hydra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VLRB_ROOT", str(ROOT))
    GlobalHydra.instance().clear()
    yield
    GlobalHydra.instance().clear()


def composed(script: str, *overrides: str) -> dict[str, Any]:
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        return to_plain(compose(script, overrides=list(overrides)), script)


@pytest.mark.parametrize(("script", "option"), OPTIONS)
def test_every_option_composes_and_passes_the_root_check(script: str, option: str) -> None:
    config = composed(script, option, *NEEDS.get(option, []))
    assert set(VALUE_KEYS[script]) <= set(config)


def targets(node: Any, key: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if node.get(TARGET):
            yield key, node
        for name, inner in node.items():
            yield from targets(inner, f"{key}.{name}" if key else str(name))


OUR_GROUPS = {group.replace(".", "/") for group, _ in config_groups("train", CONF)} - {"logger", "trainer"}
OURS = sorted(
    {option for script, option in OPTIONS if script == "train" and not option.startswith(("logger", "trainer"))}
)


@pytest.mark.parametrize("option", OURS)
def test_yaml_lists_every_argument_of_its_constructor(option: str) -> None:
    config = composed("train", option, *NEEDS.get(option, []))
    group = option.split("=")[0].split("/")[0]
    for key, node in targets(config[group], group) if group in config else ():
        parameters = inspect.signature(locate(node[TARGET], key)).parameters
        assert set(node) - {TARGET} == set(parameters), f"{key} and the constructor of {node[TARGET]} differ"


JobsOf = Callable[..., list[list[str]]]
PRESETS = sorted(path.stem for path in (ROOT / "multirun_presets" / "preset").glob("*.yaml"))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_composes_and_sweeps(preset: str, jobs_of: JobsOf) -> None:
    file = ROOT / "multirun_presets" / "preset" / f"{preset}.yaml"
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["hydra"]["mode"] == "MULTIRUN"
    jobs = jobs_of(f"preset={preset}")
    assert len({tuple(job) for job in jobs}) == len(jobs) > 1
    for word in {word for job in jobs for word in job}:
        key, _, value = word.partition("=")
        folder = ROOT / "multirun_presets" / key if key == "preset" else CONF / key
        assert not folder.is_dir() or (folder / f"{value}.yaml").is_file(), f"{key}: no file in conf/ for {value}"
    if not preset.endswith("_lambda"):  # whose jobs differ in λ alone; the first jobs are run in test_sweeps.py
        assert set(VALUE_KEYS["train"]) <= set(composed("train", *jobs[-1]))


def test_every_preset_says_what_it_does_how_long_it_takes_and_its_command() -> None:
    for preset in PRESETS:
        text = (ROOT / "multirun_presets" / "preset" / f"{preset}.yaml").read_text(encoding="utf-8")
        comment = " ".join(line for line in text.splitlines() if line.lstrip().startswith("#"))
        assert f"python train.py preset={preset}" in comment, preset
        assert re.search("minute|hour", comment), preset


def test_presets_hold_differences_only() -> None:
    for path in (ROOT / "multirun_presets" / "preset").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# @package _global_"), path
        assert set(yaml.safe_load(text)) <= {"defaults", "hydra", "trainer", "router", "resamples"}, path


def test_identity_ignores_places_and_devices_but_not_settings(tmp_path: Path) -> None:
    base = composed("train")
    for words in (
        ["paths.data_dir=/elsewhere"],
        ["trainer=cpu"],
        ["trainer.devices=2"],
        ["logger=csv"],
        ["build=false"],
        ["dataset.root=/elsewhere"],
        ["lambda.value=0.50"],
    ):
        GlobalHydra.instance().clear()
        assert identity(composed("train", *words)) == identity(base), words
    for words in (["seed=1"], ["lambda.value=0.6"], ["router=knn"], ["trainer.max_epochs=3"], ["split.seed=7"]):
        GlobalHydra.instance().clear()
        assert identity(composed("train", *words)) != identity(base), words


def test_run_folder_is_readable_and_never_a_time() -> None:
    config = composed("train", "lambda.value=inf", "seed=3", "router=knn")
    folder = run_folder(config)
    assert folder.parts[:3] == ("runs", "demo", "knn")
    assert folder.name == f"inf-s3-{identity(config)}"


def test_root_check_names_the_key() -> None:
    config = composed("train")
    with pytest.raises(ConfigError, match=r"unknown key 'sede'.*\n.*did you mean 'seed'"):
        check_root({**config, "sede": 4}, "train")
    with pytest.raises(ConfigError, match="seed must be a whole number, not 'four'"):
        check_root({**config, "seed": "four"}, "train")
    with pytest.raises(ConfigError, match="router must be one of its options"):
        check_root({**config, "router": "knn"}, "train")


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_teaches(script: str) -> None:
    text = help_text(script, ROOT)
    assert f"python {script}.py" in text
    for group, options in config_groups(script, CONF):
        assert group in text
        assert all(option in text for option in options)
    if script == "train":
        assert all(preset in text for preset in PRESETS)
