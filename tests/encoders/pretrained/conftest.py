"""Tiny checkpoints of the right architectures with random weights, written as the published ones are laid out."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

SENTENCES = [
    "Which of the following options is the right one for the question below?",
    "What is the length of the hypotenuse of the triangle shown in the picture?",
    "How many people are standing next to the bus, and what is written on it?",
    "Read the chart. In which year was the value of exports the highest?",
    "Hint: please answer the question requiring an integer answer, e.g. 1, 2, 3.",
]
TIMM = "test_vit.r160_in1k"  # timm's own network for tests, 160 pixels
WIDTH = {"bert": 32, "xlmr": 32, "dinov2": 48, "siglip": 32, "clip": 24, "timm": 64}
BLOCK = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
PICTURES = {
    "dinov2": {
        "crop_size": {"height": 28, "width": 28},
        "do_center_crop": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_processor_type": "BitImageProcessor",
        "image_std": [0.229, 0.224, 0.225],
        "resample": 3,
        "size": {"shortest_edge": 32},
    },
    "siglip": {
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "SiglipImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "resample": 3,
        "size": {"height": 32, "width": 32},
    },
    "clip": {  # an old file: bare numbers, and the class under its old key
        "crop_size": 32,
        "do_center_crop": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": 32,
    },
}


def make(kind: str, folder: Path, seed: int = 0) -> Path:
    """Write one checkpoint: bert, xlmr, dinov2, siglip or clip."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network(kind).save_pretrained(folder)
    if kind in PICTURES:
        common = {"do_normalize": True, "do_resize": True}
        (folder / "preprocessor_config.json").write_text(json.dumps(PICTURES[kind] | common))
    else:
        {"bert": write_word_pieces, "xlmr": write_unigrams}[kind](folder)
    return folder


def network(kind: str) -> torch.nn.Module:
    """A network as it is published (CLIP, SigLIP: both towers), with initial weights wide enough that rows differ."""
    import transformers as t

    if kind == "bert":
        config = t.BertConfig(vocab_size=400, hidden_size=32, **BLOCK, initializer_range=0.2)
        return t.BertModel(config)
    if kind == "xlmr":
        config = t.XLMRobertaConfig(
            vocab_size=400, hidden_size=32, max_position_embeddings=8194, **BLOCK, type_vocab_size=1, pad_token_id=1,
            initializer_range=0.2,
        )  # fmt: skip
        return t.XLMRobertaModel(config)
    if kind == "dinov2":
        config = t.Dinov2Config(hidden_size=48, image_size=70, patch_size=14, initializer_range=0.2, **BLOCK)
        return t.Dinov2Model(config)
    part = {"hidden_size": 32, **BLOCK}
    text, vision = {**part, "vocab_size": 40}, {**part, "image_size": 32, "patch_size": 8}
    if kind == "siglip":
        return t.SiglipModel(t.SiglipConfig(text_config=text, vision_config=vision))
    return t.CLIPModel(t.CLIPConfig(text_config=text, vision_config=vision, projection_dim=24, initializer_factor=3.0))


def write_word_pieces(folder: Path) -> None:
    """A BERT tokenizer as a vocabulary file, without tokenizer.json."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator([*SENTENCES, "query: passage:"], trainer)
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("\n".join(word for word, _ in vocabulary), encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def write_unigrams(folder: Path) -> None:
    """A tokenizer of the kind of XLM-R: unigrams of raw text, <s> … </s>, as tokenizer.json."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", **names).save_pretrained(
        folder
    )


def write_timm(folder: Path) -> Path:
    """Weights of a tiny vision transformer with its head, as safetensors and as .pth."""
    import timm
    from safetensors.torch import save_file

    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = timm.create_model(TIMM, pretrained=False, num_classes=7).state_dict()
    state = {name: (10 * value if value.ndim > 1 else value) for name, value in state.items()}
    save_file(state, folder / "weights.safetensors")
    torch.save({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}, folder / "w.pth")
    return folder


def pictures() -> list[Image.Image]:
    """Noise of many shapes and modes: wide, tall, tiny, grey, with a palette, with transparency."""
    rng = np.random.default_rng(0)
    shapes = [(64, 64), (90, 40), (33, 120), (200, 20), (1, 1), (5, 300), (47, 31)]
    found = [Image.fromarray(rng.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in shapes]
    found += [found[0].convert(mode) for mode in ("L", "P", "RGBA", "CMYK", "1")]
    return [*found, Image.fromarray(rng.integers(0, 2**16, (40, 50), dtype=np.uint16))]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Folders of tiny checkpoints by kind, made when first asked for, and things to encode."""
    from transformers.utils import logging

    root, level = tmp_path_factory.mktemp("tiny"), logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()

    def folder(kind: str) -> Path:
        path: Path = root / kind
        if path.is_dir():
            return path
        return write_timm(path) if kind == "timm" else make(kind, path)

    texts = [*SENTENCES, "", "7", "Größe α ≠ β? 東京 ﷺ", SENTENCES[0] * 3]
    yield SimpleNamespace(
        folder=folder, make=make, network=network, width=WIDTH, timm=TIMM, texts=texts, pictures=pictures()
    )
    logging.set_verbosity(level)
    logging.enable_progress_bar()
