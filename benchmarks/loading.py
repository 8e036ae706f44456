"""Prompts and pictures on their way to a backbone: the loader alone against what a base-size backbone consumes.

    python benchmarks/loading.py [--samples 96] [--steps 2] [--side 1024] [--skip-model]

A TSV file with pictures of about one megapixel (JPEG in base64) and prompts of some hundred tokens; batches of 16 at
224 pixels and 128 tokens, as `encoder=lxmert_base` wants them.

1. Samples per second of the loader alone, with 0, 1 and 2 workers: streamed (every picture is decoded each time), in
   the first epoch of keeping pictures, and in later epochs.
2. Samples per second of training steps (forward, backward, AdamW) of LXMERT with ViT-B/16, random weights, a batch in
   memory (`--step` samples of it, to need less memory). Goal: the streamed loader gives at least 3 × as many.
"""

import argparse
import base64
import io
import os
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from vlrb.benchmark.pictures import SamplePictures
from vlrb.data.dataset import SampleBatches
from vlrb.data.kept_pixels import keep_pixels
from vlrb.data.loader import BatchLoader, make_loader
from vlrb.data.raw import RawInputs
from vlrb.data.sampling import EpochBatches
from vlrb.encoders.backbones.lxmert import LxmertBackbone
from vlrb.encoders.backbones.pictures import PictureInputs
from vlrb.encoders.backbones.samples import SamplePreprocessor
from vlrb.encoders.backbones.text import LearnedTokens
from vlrb.encoders.backbones.towers import ViTTower

GOAL = 3.0
SIZE, TOKENS, BATCH, SEED = 224, 128, 16, 0
KEEP_MB = 512


def picture(rng: np.random.Generator, side: int) -> bytes:
    """Return a JPEG with coarse colours and fine grain, as photographs have."""
    coarse = Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).resize((side, side))
    grain = rng.integers(-8, 9, (side, side, 1))
    noisy = np.clip(np.asarray(coarse).astype(np.int16) + grain, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return base64.b64encode(buffer.getvalue())


def write_tsv(path: Path, samples: int, side: int) -> list[list[dict[str, Any]]]:
    """Write one picture a sample; return their references."""
    rng, found = np.random.default_rng(SEED), []
    with path.open("wb") as file:
        for i in range(samples):
            file.write(f"{i}\t".encode())
            cell = picture(rng, side)
            place = {"path": path.name, "offset": file.tell(), "length": len(cell), "encoding": "base64"}
            found.append([place | {"width": side, "height": side, "content_hash": str(i)}])
            file.write(cell + b"\n")
    return found


def prompts(samples: int) -> list[str]:
    rng = np.random.default_rng(SEED)
    return [" ".join(f"w{k}" for k in rng.integers(0, 999, rng.integers(20, 120))) for _ in range(samples)]


class Inputs:
    """The samples, with or without memory for pictures."""

    def __init__(self, folder: Path, samples: int, side: int) -> None:
        self.samples, self.folder = samples, folder
        self.references = write_tsv(folder / "pictures.tsv", samples, side)
        self.prompts = prompts(samples)
        text = LearnedTokens(vocab_size=8000, max_length=TOKENS)
        text.learn(self.prompts)
        self.text, self.pictures = text, PictureInputs(SIZE)
        self.preprocess = SamplePreprocessor(text.preprocessor(), self.pictures)

    def loader(self, workers: int, keep_mb: int) -> BatchLoader:  # noqa: D102
        kept = keep_pixels(self.references, np.arange(self.samples), SIZE, keep_mb)
        images = pa.chunked_array([pa.array(self.references)])
        raw = RawInputs(self.prompts, SamplePictures(self.folder, images), self.preprocess, kept)
        rows = np.arange(self.samples)
        dataset = SampleBatches(torch.from_numpy(rows), {}, [raw.at(rows, [str(i) for i in rows])], None)
        return make_loader(dataset, EpochBatches(dataset, BATCH, SEED), workers, None, again=True)


def per_second(batches: Iterable[Any], samples: int) -> float:
    started = time.perf_counter()
    for _ in batches:
        pass
    return samples / (time.perf_counter() - started)


def loading(inputs: Inputs, repeats: int) -> float:
    """Print the speed of the loader alone; return the best streamed one."""
    best = 0.0
    for workers in (0, 1, 2):
        loader = inputs.loader(workers, 0)
        next(iter(loader))  # processes start
        streamed = statistics.median(per_second(loader, inputs.samples) for _ in range(repeats))
        keeping = inputs.loader(workers, KEEP_MB)
        first = per_second(keeping, inputs.samples)
        later = statistics.median(per_second(keeping, inputs.samples) for _ in range(repeats))
        print(
            f"{workers} workers   streamed {streamed:8.1f} samples/s   kept: first epoch with start {first:8.1f}   "
            f"later {later:8.1f}"
        )
        best = max(best, streamed)
    return best


def training(inputs: Inputs, steps: int, size: int) -> float:
    """Return samples per second of training steps of a base-size backbone on a batch in memory."""
    torch.manual_seed(SEED)
    tower = ViTTower(model=None)
    sizes = {"visual_feat_dim": 768}
    backbone = LxmertBackbone("base", inputs.text, inputs.pictures, tower, sizes=sizes)
    backbone.load()
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=1e-5)
    batch = {key: value[:size] for key, value in next(iter(inputs.loader(0, 0))).items()}
    times = []
    for _ in range(steps + 1):
        started = time.perf_counter()
        optimizer.zero_grad()
        backbone(batch).square().mean().backward()
        optimizer.step()
        times.append(time.perf_counter() - started)
    return size / statistics.median(times[1:])  # the first one allocates


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="prompts and pictures on their way to a backbone")
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--side", type=int, default=1024, help="pixels of a picture's side")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--step", type=int, default=BATCH, help="samples of a training step")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--skip-model", action="store_true", help="the loader alone")
    options = parser.parse_args()
    print(f"{options.samples} samples, pictures of {options.side}², batch {BATCH}, {SIZE} pixels, {TOKENS} tokens")
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        inputs = Inputs(Path(folder), options.samples, options.side)
        loaded = loading(inputs, options.repeats)
        if not options.skip_model:
            consumed = training(inputs, options.steps, options.step)
            ratio = loaded / consumed
            verdict = "met" if ratio >= GOAL else "MISSED"
            print(
                f"training steps {consumed:.2f} samples/s   loading ÷ training {ratio:.1f}   goal ≥ {GOAL}   {verdict}"
            )


if __name__ == "__main__":
    main()
