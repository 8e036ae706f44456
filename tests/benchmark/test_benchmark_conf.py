import inspect
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from vlrb.benchmark.pricing import Price
from vlrb.benchmark.tokens.counter import TokenCounter
from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer
from vlrb.utils.instantiate import build, locate

CONF = Path(__file__).parents[2] / "conf"
GROUPS = ("pricing", "model_pool", "split", "tokens")
NODES = [path for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
NEEDED = {"leave_dataset_out": {"holdout": ["A"]}}  # what has to be given by the user

PUBLISHED = """
Janus-Pro-1B .05/.05; DeepSeek-VL2-Tiny .05/.05; SmolVLM2 .06/.06; Kimi-VL-A3B-Thinking-2506 .20/.25;
Phi-3.5-Vision .10/.10; DeepSeek-VL2 .35/.50; Janus-Pro-7B .18/.25; MiMo-VL-7B-RL .20/.30; LLaVA-Next-Vicuna-7B .20/.20;
Qianfan-VL-8B .18/.25; Pixtral-12B .25/.35; Gemma3-27B .35/.50; Qwen2.5-VL-32B .40/.60; Qwen2.5-VL-72B .80/1.20;
InternVL2.5-78B 1.00/1.50; Gemini-Flash-2.5 .30/2.40; GPT-4o 2.50/10.00
"""


def load(path):
    node = yaml.safe_load(path.read_text())
    for base in node.pop("defaults", []):
        node = OmegaConf.to_container(OmegaConf.merge(load(path.parent / f"{base}.yaml"), node))
    return node


def check_complete(node):
    target = locate(node["_target_"], "test")
    assert set(node) - {"_target_"} == set(inspect.signature(target).parameters)
    for value in node.values():
        if isinstance(value, dict) and "_target_" in value:
            check_complete(value)


@pytest.mark.parametrize("path", NODES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_file_names_every_argument_and_builds(path):
    node = load(path)
    check_complete(node)
    assert build({**node, **NEEDED.get(path.stem, {})}, path.parent.name).name == path.stem


def test_the_published_prices():
    book = build(load(CONF / "pricing/vl_routerbench_2025.yaml"), "pricing")
    entries = [entry.strip().rsplit(" ", 1) for entry in PUBLISHED.replace("\n", " ").split(";")]
    assert len(entries) == len(book.prices) == 17
    for name, price in entries:
        assert book.find(name) == Price(*map(float, price.split("/"))), name


def test_the_published_pool_has_those_prices_and_names():
    pool = build(load(CONF / "model_pool/vl_routerbench.yaml"), "model_pool")
    book = build(load(CONF / "pricing/vl_routerbench_2025.yaml"), "pricing")
    assert set(pool.models) == set(book.prices)
    shown = {pool.display_name(model) for model in pool.models}
    assert shown == {entry.strip().rsplit(" ", 1)[0] for entry in PUBLISHED.replace("\n", " ").split(";")}
    for model, card in pool.models.items():
        for alias in card.get("aliases", []):
            assert book.find(alias) == book.find(model)
    assert {pool.picture_rule(model) for model in pool.models} == {"fixed"}


NATIVE = {
    "fixed (picture_tokens 576)": ["Janus-Pro-1B", "Janus-Pro-7B"],
    "fixed (picture_tokens 256)": ["Gemma3-27B"],
    "deepseek_vl2": ["deepseek_vl2_tiny", "deepseek_vl2"],
    "smolvlm_tiles (longest_edge 1536, tile_side 384, tile_tokens 81)": ["SmolVLM2"],
    "kimi_dynamic (max_patches 16384)": ["Kimi-VL-A3B-Thinking-2506"],
    "phi3_crops (max_crops 4)": ["Phi-3.5-Vision"],
    "llava_next": ["llava_next_vicuna_7b"],
    "internvl_tiles (max_tiles 12)": ["Qianfan-VL-8B", "InternVL2_5-78B"],
    "pixtral (max_side 1024)": ["Pixtral-12B"],
    "gemini_tiles": ["GeminiFlash2-5"],
    "gpt4o_tiles (detail high)": ["GPT4o"],
    "qwen_dynamic (min_pixels 3136, max_pixels 12845056)": [
        "MiMo-VL-7B-RL",
        "Qwen2.5-VL-32B-Instruct",
        "Qwen2.5-VL-72B-Instruct",
    ],
}
AS_RUN = {  # where VLMEvalKit's entries differ from the models' defaults
    "gpt4o_tiles (detail low)": ["GPT4o"],
    "qwen_dynamic (min_pixels 1003520, max_pixels 12845056)": NATIVE[
        "qwen_dynamic (min_pixels 3136, max_pixels 12845056)"
    ],
}


def rules_of(name, **options):
    with initialize_config_dir(config_dir=str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("build_data", overrides=[f"model_pool={name}"]).model_pool)
    pool, published = build(config, "model_pool"), build(load(CONF / "model_pool/vl_routerbench.yaml"), "model_pool")
    assert {model: pool.card(model) for model in pool.models} == {m: published.card(m) for m in published.models}
    counter = TokenCounter("t", TekkenTokenizer(), **options)
    return {model: str(counter.rule_of(pool, model)) for model in pool.models}


def test_every_card_of_the_native_pool_counts_pictures_by_its_models_rule():
    native = {model: rule for rule, models in NATIVE.items() for model in models}
    assert rules_of("vl_routerbench_native") == native
    as_run = {model: rule for rule, models in AS_RUN.items() for model in models}
    assert rules_of("vl_routerbench_vlmevalkit") == {**native, **as_run}


@pytest.mark.parametrize("name", ["vl_routerbench", "vl_routerbench_native"])
def test_the_published_way_counts_256_whatever_the_cards_say(name):
    assert set(rules_of(name, count="published", picture_tokens=7).values()) == {"fixed (picture_tokens 256)"}


def test_discover_with_flat_prices_takes_any_model():
    pool = build(load(CONF / "model_pool/discover.yaml"), "model_pool")
    book = build(load(CONF / "pricing/flat.yaml"), "pricing")
    assert pool.select(["stranger-7B", "GPT4o"]) == [0, 1]
    assert book.find("stranger-7B") == book.find("GPT4o") == Price(0.2, 0.2)
