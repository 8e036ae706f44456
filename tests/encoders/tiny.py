"""Tiny checkpoints of the right architectures with random weights, written as the published ones are laid out."""

import json
from pathlib import Path

import torch

SENTENCES = [
    "Which of the following options is the right one for the question below?",
    "What is the length of the hypotenuse of the triangle shown in the picture?",
    "How many people are standing next to the bus, and what is written on it?",
    "Read the chart. In which year was the value of exports the highest?",
    "Hint: please answer the question requiring an integer answer, e.g. 1, 2, 3.",
]
WIDTH = {"bert": 32, "xlmr": 32, "dinov2": 48, "siglip": 32, "clip": 24}
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
    """A network as it is published: CLIP and SigLIP with their text towers. Initial weights are wide, so rows differ."""
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
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>", **names
    ).save_pretrained(folder)
