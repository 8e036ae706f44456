"""Samples for backbones, the ways to build and ask one, and tiny checkpoints laid out as the published ones are."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from vlrb.encoders.backbones.base import Backbone
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build

ENCODERS = Path(ROOT) / "conf" / "encoder"
TINY = sorted(path.stem for path in ENCODERS.glob("*_tiny.yaml"))
PRETRAINED = sorted(path.stem for path in ENCODERS.glob("*_base.yaml"))
PROMPTS = (
    "How many people stand next to the bus?",
    "Read the chart. In which year was the value of exports the highest, and by how much did it fall in the next?",
    "What is the length of the hypotenuse?",
    "",
    "Which option is right? A. one B. two C. three",
    "What is written on the bus?",
)
COUNTS = (1, 2, 0, 1, 3, 0)  # pictures of each
CORPUS = [
    "How many people stand next to the bus, and what is written on it?",
    "Read the chart. In which year was the value of exports the highest?",
    "What is the length of the hypotenuse of the triangle in the picture?",
]
BLOCK = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "hidden_size": 32}
PATCHES = {"image_size": 32, "patch_size": 8}


def encoder_node(name: str) -> dict[str, Any]:
    """An encoder's YAML, without the files that it is composed with."""
    node: Any = OmegaConf.to_container(OmegaConf.load(ENCODERS / f"{name}.yaml"), resolve=True)
    return dict(node)


def make(name: str, seed: int = 0) -> Backbone:
    """A backbone of conf/encoder, loaded, ready to be asked."""
    backbone: Backbone = build(encoder_node(name)["backbone"], "encoder.backbone")
    backbone.learn_text(PROMPTS)
    torch.manual_seed(seed)
    backbone.load()
    return backbone.eval()


def pictures(seed: int = 0) -> list[list[Image.Image]]:
    """Noise of many shapes for each prompt."""
    rng = np.random.default_rng(seed)

    def one() -> Image.Image:
        height, width = rng.integers(20, 160, 2)
        return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))

    return [[one() for _ in range(count)] for count in COUNTS]


def inputs(backbone: Backbone, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> dict[str, Any]:
    """The inputs of a batch."""
    preprocess = backbone.preprocessor()
    return preprocess(prompts, [[preprocess.picture(image) for image in listed] for listed in images])


def ask(backbone: Backbone, prompts: Sequence[str], images: Sequence[Sequence[Image.Image]]) -> torch.Tensor:
    """The rows of a batch."""
    with torch.no_grad():
        return backbone(inputs(backbone, prompts, images))


def clip(folder: Path) -> Path:
    """A CLIP of both towers, with a vocabulary and merges as CLIP's tokenizer has them."""
    import transformers as t
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), end_of_word_suffix="</w>",
        special_tokens=["<|startoftext|>", "<|endoftext|>"], show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator([text.lower() for text in CORPUS], trainer)
    tokenizer.model.save(str(folder))
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    text = {**BLOCK, "vocab_size": 500, "eos_token_id": 1, "bos_token_id": 0, "pad_token_id": 1}
    config = t.CLIPConfig(text_config=text, vision_config={**BLOCK, **PATCHES}, projection_dim=24)
    config.initializer_factor = 2.0
    return write(t.CLIPModel(config), folder)


def siglip(folder: Path) -> Path:
    """A SigLIP of both towers, with a tokenizer.json of unigrams."""
    import transformers as t
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator([text.lower() for text in CORPUS], trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    text = {**BLOCK, "vocab_size": 200, "eos_token_id": 1, "bos_token_id": 0, "pad_token_id": 1}
    return write(t.SiglipModel(t.SiglipConfig(text_config=text, vision_config={**BLOCK, **PATCHES})), folder)


def vilt(folder: Path) -> Path:
    """A ViLT that answers questions, as it is published, with a vocabulary of word pieces."""
    import transformers as t
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    words = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("\n".join(word for word, _ in words), encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 40}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = t.ViltConfig(**BLOCK, **PATCHES, vocab_size=300, num_labels=5, initializer_range=0.2)
    network = t.ViltForQuestionAnswering(config)
    torch.nn.init.normal_(network.vilt.embeddings.position_embeddings, std=0.5)  # zero at first; not in a trained one
    return write(network, folder)


def write(network: Any, folder: Path) -> Path:
    """Write config and weights."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    network.save_pretrained(folder)
    return folder


MAKERS = {"clip": clip, "siglip": siglip, "vilt": vilt}


def published(kind: str, folder: Path | str, **changes: Any) -> Backbone:
    """The backbone of conf/encoder/<kind>_base.yaml, not loaded, with a folder in place of the hub's model."""
    node = encoder_node(f"{kind}_base")["backbone"]
    for part in (node, node["text"]):
        part.update(model=str(folder), revision=None)
    node["pictures"].update(size=changes.pop("size", 32))
    node.update(changes)
    backbone: Backbone = build(node, "encoder.backbone")
    return backbone


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """Everything that the tests of backbones share."""
    helpers: dict[str, Callable[..., Any]] = {
        "node": encoder_node,
        "make": make,
        "pictures": pictures,
        "inputs": inputs,
        "ask": ask,
        "published": published,
    }
    return SimpleNamespace(prompts=PROMPTS, **helpers)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test once for every backbone with random weights, or with pretrained ones, that conf/encoder has."""
    for argument, names in (("tiny_name", TINY), ("pretrained_name", PRETRAINED)):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, names, scope="session")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny checkpoint, clip, siglip or vilt, written when first asked for."""
    root = tmp_path_factory.mktemp("checkpoints")

    def folder(kind: str) -> Path:
        if not (root / kind).is_dir():
            with torch.random.fork_rng():
                torch.manual_seed(3)
                MAKERS[kind](root / kind)
        return root / kind

    return folder
