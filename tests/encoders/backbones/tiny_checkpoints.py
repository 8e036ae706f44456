"""Tiny checkpoints written as the published ones are laid out, and backbones over them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image

from vlrb.encoders.backbones.base import Backbone
from vlrb.utils.cli import ROOT
from vlrb.utils.instantiate import build

WORDS = ("what", "is", "the", "colour", "of", "this", "shape", "apple", "river", "cloud", "seven", "?", *"abcd")
PROMPTS = ["what is the colour of this shape ?", "apple", "", "river cloud seven a b c d ? what is this"]
BLOCK = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48}
SIZE = 32  # pixels of the tower's pictures
PATCH = 8


def write_tokenizer(folder: Path) -> Path:
    """A BERT tokenizer as its vocabulary file."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def make(kind: str, seed: int = 0) -> torch.nn.Module:
    """A network as it is published: with the heads that it was trained with; weights so wide that rows differ."""
    import transformers as t

    common = {**BLOCK, "vocab_size": 40, "max_position_embeddings": 48, "initializer_range": 0.2}
    layers = {"num_hidden_layers": 4}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "vit":
            sizes = {**BLOCK, "num_hidden_layers": 2, "image_size": SIZE, "patch_size": PATCH}
            return t.ViTForImageClassification(t.ViTConfig(**sizes, initializer_range=0.2))
        if kind == "lxmert":
            depth = {"l_layers": 3, "r_layers": 2, "x_layers": 2, "visual_feat_dim": 20}
            return t.LxmertForPreTraining(t.LxmertConfig(**common, **depth, num_qa_labels=5))
        if kind == "visualbert":
            return t.VisualBertForPreTraining(t.VisualBertConfig(**common, **layers, visual_embedding_dim=20))
        return t.BertForPreTraining(t.BertConfig(**common, **layers))


def write(kind: str, folder: Path, seed: int = 0) -> Path:
    """Write a checkpoint; of a ViT also how it reads pictures, of others their tokenizer."""
    make(kind, seed).save_pretrained(folder)
    if kind == "vit":
        card = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": {"height": SIZE, "width": SIZE}, "resample": 2}
        (folder / "preprocessor_config.json").write_text(
            json.dumps({**card, "image_processor_type": "ViTImageProcessor"})
        )
    else:
        write_tokenizer(folder)
    return folder


def node(name: str, network: Path | str, tower: Path | str, **changes: Any) -> dict[str, Any]:
    """The backbone of conf/encoder/<name>_base.yaml with folders in place of names on the hub."""
    found = yaml.safe_load((ROOT / f"conf/encoder/{name}_base.yaml").read_text("utf-8"))["backbone"]
    found["model"], found["tower"]["model"], found["text"]["model"] = str(network), str(tower), str(network)
    found["text"]["max_length"], found["pictures"]["size"] = 48, SIZE
    if name == "vilbert":
        found["region_layers"], found["co_layers"] = 3, 2
    for key, value in changes.items():
        part = found
        *path, last = key.split("__")
        for step in path:
            part = part[step]
        part[last] = value
    return found


def built(described: dict[str, Any], seed: int = 0) -> Backbone:
    """Build and load."""
    backbone: Backbone = build(described, "encoder.backbone")
    backbone.check()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        backbone.load()
    return backbone.eval()


def pictures(counts: tuple[int, ...] = (1, 2, 0, 1)) -> list[list[Image.Image]]:
    """Noise of several shapes, so many for each sample."""
    rng = np.random.default_rng(0)
    shapes = ((30, 30), (12, 40), (50, 9), (1, 1))
    return [
        [Image.fromarray(rng.integers(0, 256, (*shapes[(i + k) % 4], 3), dtype=np.uint8)) for k in range(count)]
        for i, count in enumerate(counts)
    ]


def inputs(backbone: Backbone, prompts: list[str], listed: list[list[Image.Image]]) -> dict[str, torch.Tensor]:
    """Inputs of `forward`."""
    preprocess = backbone.preprocessor()
    return preprocess(prompts, [[preprocess.picture(image) for image in images] for images in listed])


def rows(
    backbone: Backbone, prompts: list[str] = PROMPTS, listed: list[list[Image.Image]] | None = None
) -> torch.Tensor:
    """Rows without gradients."""
    with torch.no_grad():
        return backbone(inputs(backbone, prompts, pictures() if listed is None else listed))
