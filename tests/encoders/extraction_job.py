"""Two tiny networks, samples for them, and a program that extracts features and can kill itself at a chosen moment.

    python extraction_job.py <folder> [devices] [shard|batch <number>]

It prints how many texts and pictures the networks of this process have seen.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn

from vlrb import schema
from vlrb.encoders import predict
from vlrb.encoders.extract import benchmark_features
from vlrb.encoders.shards import Shards
from vlrb.encoders.torch_encoder import Inputs, TorchEncoder
from vlrb.tasks.extraction import make_feature_trainer
from vlrb.utils.errors import DataError

OPTIONS = {"pooling": "mean", "batch_size": 4, "workers": 0, "unreadable": "error"}
TRAINER = {
    "_target_": "lightning.Trainer",
    "accelerator": "cpu",
    "devices": 1,
    "num_nodes": 1,
    "strategy": "auto",
    "precision": "32-true",
    "deterministic": True,
}
ODD = "\N{SNOWMAN}"


class Tiny(TorchEncoder):
    """What both networks share: the number of items seen, and weights that come from a seed when they are loaded."""

    dim, revision = 5, "1"

    def __init__(self, bias: float = 0.0) -> None:
        super().__init__()
        self.bias, self.net, self.seen, self.calls = bias, nn.Identity(), 0, 0

    def settings(self) -> dict[str, Any]:
        return {"bias": self.bias}

    def load(self) -> None:
        if isinstance(self.net, nn.Identity):
            with torch.random.fork_rng():
                torch.manual_seed(3)
                self.net = self.network()

    def network(self) -> nn.Module:
        raise NotImplementedError

    def count(self, items: int) -> None:
        self.seen += items
        self.calls += 1


def word_ids(texts: list[str]) -> Inputs:
    """Padded ids and a mask; a snowman cannot be read."""
    if any(ODD in text for text in texts):
        raise ValueError("no word for it")
    words = [[sum(map(ord, word)) % 50 for word in text.split()] or [0] for text in texts]
    ids = torch.zeros(len(words), max(map(len, words)), dtype=torch.int64)
    mask = torch.zeros(ids.shape)
    for row, found in enumerate(words):
        ids[row, : len(found)] = torch.tensor(found)
        mask[row, : len(found)] = 1
    return {"ids": ids, "mask": mask}


class Words(Tiny):
    """Mean of word vectors."""

    name = "tiny_words"

    def network(self) -> nn.Module:
        return nn.Embedding(50, self.dim)

    def preprocessor(self) -> Callable[[list[Any]], Inputs]:
        return word_ids

    def forward(self, inputs: Inputs) -> Tensor:
        self.count(len(inputs["ids"]))
        mask = inputs["mask"].unsqueeze(-1)
        return (self.net(inputs["ids"]) * mask).sum(1) / mask.sum(1) + self.bias


def pixels(images: list[Image.Image]) -> Inputs:
    return {"pixels": torch.stack([torch.from_numpy(np.array(i.resize((8, 8)))).float() / 255 for i in images])}


class Colours(Tiny):
    """A small convolutional network."""

    name = "tiny_colours"

    def network(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 6, 3), nn.GELU(), nn.Flatten(), nn.Linear(6 * 36, self.dim))

    def preprocessor(self) -> Callable[[list[Any]], Inputs]:
        return pixels

    def forward(self, inputs: Inputs) -> Tensor:
        self.count(len(inputs["pixels"]))
        found: Tensor = self.net(inputs["pixels"].permute(0, 3, 1, 2)) + self.bias
        return found


class Pictures:
    """Samples as lists of numbers, each a picture of its own; a negative one cannot be read."""

    def __init__(self, samples: list[list[int]]) -> None:
        self.samples, self.loads = samples, 0

    def __len__(self) -> int:
        return len(self.samples)

    def load(self, i: int) -> list[Image.Image]:
        self.loads += 1
        if any(number < 0 for number in self.samples[i]):
            raise DataError(f"pictures.tsv at {i}: not a picture", "fetch it again")
        drawn = [np.random.default_rng(number).integers(0, 256, (12, 10, 3), np.uint8) for number in self.samples[i]]
        return [Image.fromarray(pixels) for pixels in drawn]


def make_benchmark(root: Path, samples: list[list[int]], texts: list[str] | None = None) -> SimpleNamespace:
    """A benchmark as extraction sees one: ids, prompts and pictures."""
    images = [[{"content_hash": str(abs(number))} for number in sample] for sample in samples]
    frame = pd.DataFrame({schema.SAMPLE_ID: [f"d/{i}" for i in range(len(samples))], schema.IMAGES: images})
    frame[schema.PROMPT] = texts or [
        " ".join(f"w{k}" for k in range(i * 7 % 11)) + f" n{i}" for i in range(len(samples))
    ]
    source = Pictures(samples)
    return SimpleNamespace(root=root, samples=frame, picture_references=images, pictures=lambda: source)


def numbered(n: int, first: int = 0) -> list[list[int]]:
    """Samples with one picture each, but every fifth has two and every ninth none."""
    return [[] if i % 9 == 8 else [i, i + 5000] if i % 5 == 4 else [i] for i in range(first, first + n)]


def trainers(devices: int) -> Callable[..., Any]:
    node = TRAINER | {"devices": devices}
    return lambda callbacks, single: make_feature_trainer(node, callbacks, single)


def die() -> None:
    os.killpg(0, signal.SIGKILL)


def die_at(what: str, number: int) -> None:
    """Be killed right after the n-th shard, or inside the n-th call of a network."""
    place = (Shards, "write") if what == "shard" else (Tiny, "count")
    original, left = getattr(*place), [number]

    def counted(*args: Any) -> None:
        original(*args)
        left[0] -= 1
        if not left[0]:
            time.sleep(0.5)  # what is being written behind a batch gets its time
            die()

    setattr(*place, counted)


def main(words: list[str]) -> None:
    root, devices = Path(words[0]), int(words[1]) if len(words) > 1 else 1
    predict.SHARD_ROWS = 12
    if len(words) > 3:
        die_at(words[2], int(words[3]))
    text, vision = Words(), Colours()
    benchmark = make_benchmark(root, numbered(60))
    benchmark_features(benchmark, text, vision, OPTIONS, make_trainer=trainers(devices))
    sys.stdout.write(f"seen {text.seen} {vision.seen}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
