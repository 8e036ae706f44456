"""Extraction of features with torch networks: against the bare forward loop, and how far preparation overlaps with it.

    python benchmarks/encoders.py [--texts 256] [--pictures 256] [--repeats 3] [--latency 12]

Networks of real size with random weights (ViT-S/16 at 224 pixels; BERT, 12 layers of 384), nothing is downloaded.

1. Throughput: extraction (reading, preparing, forward, shards on disk, final array) against a loop that only calls the
   network on inputs that lie prepared in memory, same batch size, same order. The network runs on one thread, so that a
   worker has the other core, as a GPU's host would have its cores free.
2. Overlap, on pictures of one megapixel (JPEG): wall time of extraction against preparing alone and forward alone. The
   share is (prepare + forward − extraction) ÷ the shorter of the two: 1 = the shorter is hidden behind the longer. Once
   with that network, once with a device that only takes its time, as an accelerator does to its host.

Measurements alternate, so that other load on the machine meets all of them; ratios of medians are what to look at,
those of the quickest runs stand beside them, since other load can only slow a run down.
"""

import argparse
import io
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import BertConfig, BertModel, ViTConfig, ViTModel

from vlrb.encoders.batches import Options, plan_shards
from vlrb.encoders.cache import Contents, ensure_features
from vlrb.encoders.extract import encode_items
from vlrb.encoders.items import Items, Pictures, Prompts, text_keys
from vlrb.encoders.prepare import Batch, Preparation
from vlrb.encoders.shards import Shards
from vlrb.encoders.torch_encoder import Inputs, TorchEncoder

GOAL = 0.9
SIZE, DIM, BATCH = 224, 384, 32
SEED = 0
CROWD = 4  # distinct megapixel files; every sample has its own key, so each is decoded again


class Network(TorchEncoder):
    """A network with random weights."""

    dim, revision = DIM, "1"

    def __init__(self, name: str, network: Callable[[], nn.Module], preprocess: Callable[[list[Any]], Inputs]) -> None:
        super().__init__()
        self.name, self._make, self._preprocess = name, network, preprocess
        self.network: nn.Module | None = None

    def settings(self) -> dict[str, Any]:  # noqa: D102
        return {}

    def preprocessor(self) -> Callable[[list[Any]], Inputs]:  # noqa: D102
        return self._preprocess

    def load(self) -> None:  # noqa: D102
        if self.network is None:
            torch.manual_seed(SEED)
            self.network = self._make().eval()

    def forward(self, inputs: Inputs) -> Tensor:  # noqa: D102
        assert self.network is not None
        rows: Tensor = self.network(**inputs).last_hidden_state[:, 0].float()
        return rows


class Latency(nn.Module):
    """A device that takes its time and leaves the host's cores alone."""

    def __init__(self, milliseconds: float) -> None:
        super().__init__()
        self.seconds = milliseconds / 1e3

    def forward(self, pixel_values: Tensor) -> Any:  # noqa: ANN401, D102 - an output of transformers in miniature
        time.sleep(self.seconds * len(pixel_values))
        return argparse.Namespace(last_hidden_state=torch.zeros(len(pixel_values), 1, DIM))


def bert_small() -> nn.Module:
    config = BertConfig(hidden_size=DIM, num_hidden_layers=12, num_attention_heads=6, intermediate_size=4 * DIM)
    return BertModel(config, add_pooling_layer=False)


def vit_small() -> nn.Module:
    config = ViTConfig(hidden_size=DIM, num_hidden_layers=12, num_attention_heads=6, intermediate_size=4 * DIM)
    return ViTModel(config, add_pooling_layer=False)


def word_ids(texts: list[str]) -> Inputs:
    """Return padded token ids: a stand-in for a tokenizer, which is quicker than a network of any size."""
    words = [[1 + sum(map(ord, word)) % 30_000 for word in text.split()][:512] for text in texts]
    ids = torch.zeros(len(words), max(map(len, words)), dtype=torch.int64)
    for row, found in zip(ids, words, strict=True):
        row[: len(found)] = torch.tensor(found)
    return {"input_ids": ids, "attention_mask": (ids > 0).long()}


def pixels(images: list[Image.Image]) -> Inputs:
    """Return pictures scaled to the network's size."""
    scaled = [np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for image in images]
    values = torch.from_numpy(np.stack(scaled)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return {"pixel_values": values.contiguous()}


class Files:
    """JPEG files in memory, decoded when asked for."""

    def __init__(self, samples: int, side: int) -> None:
        rng = np.random.default_rng(SEED)
        self.samples, self.files = samples, []
        for _ in range(CROWD):
            coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).resize((side, side))
            buffer = io.BytesIO()
            coarse.save(buffer, "JPEG", quality=90)
            self.files.append(buffer.getvalue())

    def __len__(self) -> int:
        return self.samples

    def load(self, i: int) -> list[Image.Image]:  # noqa: D102
        with Image.open(io.BytesIO(self.files[i % CROWD])) as picture:
            return [picture.convert("RGB")]


def prompts(samples: int) -> Items:
    rng = np.random.default_rng(SEED)
    texts = [" ".join(f"w{k}" for k in rng.integers(0, 9999, rng.integers(20, 120))) for _ in range(samples)]
    return Prompts([f"t/{i}" for i in range(samples)], text_keys(texts), texts)


def pictures(samples: int, side: int) -> Items:
    ids = [f"p/{i}" for i in range(samples)]
    return Pictures(ids, text_keys(ids), [1] * samples, Files(samples, side))


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def extraction(encoder: Network, items: Items, workers: int | None) -> float:
    """Return seconds from nothing on disk to the final array."""
    root = Path(tempfile.mkdtemp())
    options = Options(batch_size=BATCH, workers=workers)

    def encode(todo: list[int], shards: Shards) -> None:
        encode_items(encoder, items, todo, shards, options)

    try:
        return seconds(lambda: ensure_features(root, encoder, Contents("all", list(items.keys), set(), encode)))
    finally:
        shutil.rmtree(root)


def batches(items: Items) -> list[Batch]:
    plan = plan_shards(items, range(len(items.ids)), BATCH)
    return [Batch(samples, samples is shard[-1]) for shard in plan for samples in shard]


@torch.inference_mode()
def bare(encoder: Network, inputs: list[Inputs]) -> float:
    """Return seconds of a loop over inputs in memory that keeps the rows."""
    rows: list[np.ndarray] = []
    return seconds(lambda: rows.extend(encoder(part).numpy() for part in inputs))


def throughput(encoder: Network, items: Items, repeats: int, workers: int | None) -> None:
    encoder.load()
    preparation = Preparation(items, encoder.preprocessor(), BATCH)
    inputs = [part for batch in batches(items) for part in preparation[batch].inputs]
    bare(encoder, inputs[:1])
    ours, loop = [], []
    for _ in range(repeats):
        loop.append(bare(encoder, inputs))
        ours.append(extraction(encoder, items, workers))
    n, ratio, best = len(items.ids), statistics.median(loop) / statistics.median(ours), min(loop) / min(ours)
    rates = f"bare loop {n / statistics.median(loop):>7.1f}/s   extraction {n / statistics.median(ours):>7.1f}/s"
    verdict = "met" if ratio >= GOAL else "MISSED"
    print(
        f"{encoder.name:<10}{n:>5} {items.what:<9}{rates}   ratio {ratio:.3f} ({best:.3f})   goal ≥ {GOAL}   {verdict}"
    )


def overlap(encoder: Network, items: Items, repeats: int, workers: int | None) -> None:
    encoder.load()
    preparation = Preparation(items, encoder.preprocessor(), BATCH)
    whole = batches(items)
    inputs = [part for batch in whole for part in preparation[batch].inputs]
    extraction(encoder, items, workers)
    prepare, forward, ours = [], [], []
    for _ in range(repeats):
        prepare.append(seconds(lambda: [preparation[batch] for batch in whole]))
        forward.append(bare(encoder, inputs))
        ours.append(extraction(encoder, items, workers))
    a, b, c = (statistics.median(times) for times in (prepare, forward, ours))
    x, y, z = (min(times) for times in (prepare, forward, ours))
    share, best = (a + b - c) / min(a, b), (x + y - z) / min(x, y)
    print(
        f"{encoder.name:<10}{len(items.ids):>5} {items.what:<9}prepare {a:6.2f} s   forward {b:6.2f} s   "
        f"one after the other {a + b:6.2f} s   extraction {c:6.2f} s   hidden {share:.2f} ({best:.2f}) of the shorter"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="extraction with torch networks")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--side", type=int, default=1024, help="pixels of a picture's side in the second part")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--threads", type=int, default=1, help="threads of the network")
    parser.add_argument("--latency", type=float, default=12.0, help="milliseconds a picture on the pretended device")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"batch {BATCH}, {options.threads} threads for the network, workers {options.workers}")
    bert = Network("bert_small", bert_small, word_ids)
    vit = Network("vit_small", vit_small, pixels)
    device = Network("device", lambda: Latency(options.latency), pixels)
    how = options.repeats, options.workers
    throughput(bert, prompts(options.texts), *how)
    throughput(vit, pictures(options.pictures, 256), *how)
    overlap(vit, pictures(options.pictures, options.side), *how)
    overlap(device, pictures(2 * options.pictures, options.side), *how)


if __name__ == "__main__":
    main()
