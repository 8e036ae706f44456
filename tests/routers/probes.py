"""Probes: samples whose right model is decided by the picture, by one word, or by both, and by nothing else.

Every sample has a picture with a small shape in one of four colours and a prompt with one of four words, drawn
independently of one another; the rule says which model that makes the right one:

    colour: right = colour    word: right = word    both: right = A or B, by (green or blue) XOR (orbit or meadow)

Samples of `colour` and `word` are full of what does not matter: clutter in the picture, a prompt of words in any order.
Samples of `both` are plain: one of four sentences around the word, the shape alone on its ground.

Under `both` each input alone says nothing: whatever the colour, A and B are equally likely to be the right one, by the
word, and the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from vlrb.metrics.bounds import CostBounds

RULES: Final = ("colour", "word", "both")
MODELS: Final = ("A", "B", "C", "D")
COLOURS: Final = ((215, 40, 40), (40, 175, 60), (50, 80, 225), (235, 200, 40))
WORDS: Final = ("river", "candle", "orbit", "meadow")
OTHERS: Final = (
    *("please", "look", "closely", "at", "this", "and", "tell", "which", "part", "of", "the", "drawing", "would"),
    *("answer", "a", "question", "about", "size", "place", "or", "count", "when", "several", "seem", "alike"),
    *("before", "you", "decide", "give", "one", "letter", "only", "no", "working", "needed", "here", "today"),
)
SENTENCES: Final = (
    *("What does the {} show here?", "Please look at the {} and answer."),
    *("Which letter belongs to the {}?", "Tell me about the {} in one word."),
)
FLIPPED: Final = 0.05
SPLITS: Final = {"train": 840, "dev": 120, "test": 240}
SHAPES: Final = ("ellipse", "rectangle", "triangle")


class Pictures:
    """The pictures of the samples, by row; None = no picture."""

    def __init__(self, images: Sequence[Image.Image | None]) -> None:
        self.images = list(images)

    def __len__(self) -> int:
        return len(self.images)

    def load(self, i: int) -> list[Image.Image]:
        """Return the pictures of a sample."""
        image = self.images[i]
        return [] if image is None else [image]


@dataclass(frozen=True)
class Probe:
    """Samples, marks and splits of one probe.

    Attributes:
        rule: What decides.
        right: (N,) the right model.
        Y: (N, 4) marks: 1 for the right model, 0 for the others; then `FLIPPED` of all N·4 marks, drawn at random in
            every split, are turned round.
        split: (N,) train, dev or test; no two samples share a picture or a group.
        prompts: N sentences.
        pictures: The picture of each.
    """

    rule: str
    right: np.ndarray
    Y: np.ndarray
    split: np.ndarray
    prompts: tuple[str, ...]
    pictures: Pictures

    @property
    def test(self) -> np.ndarray:
        """Rows of the test split, in order."""
        return np.flatnonzero(self.split == "test")

    def view(self) -> SimpleNamespace:
        """Return what a `BenchmarkView` of these samples has; all answers cost the same."""
        n = len(self.right)
        return SimpleNamespace(
            rows=np.arange(n),
            sample_ids=np.array([f"probe/{i}" for i in range(n)]),
            model_ids=MODELS,
            Y=self.Y.copy(),
            C=np.full(self.Y.shape, 1e-5),
            split=self.split,
            split_group=np.arange(n),
            dataset=np.zeros(n, dtype=np.int64),
            dataset_names=("probe",),
            bounds=CostBounds(1e-5, 2e-5, "probe"),
            fingerprint=f"probe {self.rule}",
        )

    def training_prompts(self) -> list[str]:
        """Return the prompts that a tokenizer may learn from."""
        return [prompt for prompt, split in zip(self.prompts, self.split, strict=True) if split == "train"]

    def blank(self) -> "Probe":
        """Return the probe with every picture painted over in one grey, the same for all; sizes stay."""
        return replace(
            self, pictures=Pictures([Image.new("RGB", i.size, (128,) * 3) for i in self.pictures.images if i])
        )

    def without_pictures(self) -> "Probe":
        """Return the probe with no picture at all."""
        return replace(self, pictures=Pictures([None] * len(self.right)))

    def shuffled(self, seed: int = 0) -> "Probe":
        """Return the probe with the prompts of the test split dealt out anew at random."""
        prompts = np.array(self.prompts, dtype=object)
        prompts[self.test] = prompts[np.random.default_rng(seed).permutation(self.test)]
        return replace(self, prompts=tuple(prompts.tolist()))


class Gain(NamedTuple):
    """How well the chosen models do, on the marks of the same samples.

    Attributes:
        accuracy: Share of the samples on which the chosen model's mark is 1.
        best_single: The same of the one model that does best on them.
        oracle: Share of the samples on which any model's mark is 1.
    """

    accuracy: float
    best_single: float
    oracle: float

    @property
    def share(self) -> float:
        """Share of the oracle's gain: (accuracy − best single) / (oracle − best single).

        >>> round(Gain(accuracy=0.95, best_single=0.275, oracle=0.957).share, 3)  # 0.675 / 0.682
        0.99
        """
        return (self.accuracy - self.best_single) / (self.oracle - self.best_single)


def gain(Y: np.ndarray, chosen: np.ndarray) -> Gain:
    """Return what choosing `chosen` (n,) gives on the marks Y (n, 4).

    A router that knows the rule is not at 1: the right model's mark is turned round on 5 % of the samples. It has 0.95;
    any single model 0.25 · 0.95 + 0.75 · 0.05 = 0.275; and the oracle, which is saved by another model's turned mark
    now and then, 1 − 0.05 · 0.95³ = 0.957. So it has a share of 0.675 / 0.682 = 0.99, and 0.9 of the gain is an
    accuracy of 0.275 + 0.9 · 0.682 = 0.889: the right model on 93 % of the samples, as 0.932 · 0.95 + 0.068 · 0.05.
    """
    return Gain(float(Y[np.arange(len(Y)), chosen].mean()), float(Y.mean(axis=0).max()), float(Y.max(axis=1).mean()))


def chance_bound(Y: np.ndarray, deviations: float = 3.0) -> float:
    """Return the accuracy that a choice which knows nothing of the samples stays below.

    Its hits are at best binomial with the best single model's rate p: p + 3·√(p(1 − p)/n), which it exceeds once in 740
    times (normal tail above 3 standard deviations). With p = 0.3 and n = 240 that is 0.389, of an accuracy of 0.95.
    """
    p = float(Y.mean(axis=0).max())
    return p + deviations * float(np.sqrt(p * (1 - p) / len(Y)))


def make_probes(seed: int = 0, share: float = 1.0) -> dict[str, Probe]:
    """Return the three probes, with `share` of the usual numbers of samples."""
    rng = np.random.default_rng(seed)
    sizes = [round(n * share) for n in SPLITS.values()]
    n = sum(sizes)
    colour, word = rng.integers(0, 4, n), rng.integers(0, 4, n)
    split = rng.permutation(np.repeat(list(SPLITS), sizes))
    turned = rng.permutation(n * 4)[: round(FLIPPED * n * 4)]
    full = tuple(_prompt(rng, int(w)) for w in word), Pictures([_picture(rng, int(c)) for c in colour])
    plain = tuple(_sentence(rng, int(w)) for w in word), Pictures([_plain_picture(rng, int(c)) for c in colour])
    found = {}
    either = np.isin(colour, (1, 2)) ^ (word >= 2)
    for rule, right, shown in zip(RULES, (colour, word, either.astype(np.int64)), (full, full, plain), strict=True):
        Y = np.eye(4, dtype=np.float32)[right]
        Y.reshape(-1)[turned] = 1 - Y.reshape(-1)[turned]
        found[rule] = Probe(rule, right, Y, split, *shown)
    return found


def _prompt(rng: np.random.Generator, word: int) -> str:
    """A sentence of 7 to 15 words in any order, the telling one anywhere among them."""
    said = rng.choice(OTHERS, rng.integers(6, 15)).tolist()
    said.insert(int(rng.integers(0, len(said) + 1)), WORDS[word])
    return f"{' '.join(said).capitalize()}?"


def _sentence(rng: np.random.Generator, word: int) -> str:
    """One of four sentences around the telling word."""
    return SENTENCES[int(rng.integers(0, len(SENTENCES)))].format(WORDS[word])


def _picture(rng: np.random.Generator, colour: int) -> Image.Image:
    """A noisy muted ground with clutter, and one small shape of a strong colour anywhere in it."""
    image = _ground(rng, _size(rng))
    for _ in range(int(rng.integers(6, 15))):
        _clutter(rng, ImageDraw.Draw(image), image.size)
    _place(rng, image, rng.uniform(0.12, 0.2), colour)
    return image


def _plain_picture(rng: np.random.Generator, colour: int) -> Image.Image:
    """A noisy muted ground, and one somewhat larger shape of a strong colour anywhere in it."""
    image = _ground(rng, _size(rng))
    _place(rng, image, rng.uniform(0.15, 0.25), colour)
    return image


def _size(rng: np.random.Generator) -> tuple[int, int]:
    longer = int(rng.integers(72, 169))
    shorter = int(longer * rng.uniform(0.5, 1))
    return (longer, shorter) if rng.random() < 0.5 else (shorter, longer)


def _place(rng: np.random.Generator, image: Image.Image, share: float, colour: int) -> None:
    """Draw the shape; `share` is its side as a share of the picture's longer side."""
    side = round(max(image.size) * share)
    left, top = (int(rng.integers(0, length - side)) for length in image.size)
    _shape(rng, ImageDraw.Draw(image), (left, top, left + side, top + side), colour)


def _ground(rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    tint = rng.integers(90, 200) + rng.integers(-18, 19, 3)
    coarse = tint + rng.normal(0, 14, (5, 5, 1))
    smooth = Image.fromarray(coarse.clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = 8 * rng.standard_normal((size[1], size[0], 1), dtype=np.float32)
    return Image.fromarray((np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8))


def _clutter(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """A line, or the outline or area of a box or oval, in a colour near grey."""
    shade = tuple((rng.integers(40, 220) + rng.integers(-20, 21, 3)).tolist())
    x, y = (np.sort(rng.integers(0, length, 2)).tolist() for length in size)
    kind = rng.integers(0, 4)
    if kind == 0:
        pen.line((x[0], y[int(rng.integers(0, 2))], x[1], y[0]), fill=shade, width=int(rng.integers(1, 5)))
    elif kind == 1:
        pen.rectangle((x[0], y[0], x[1], y[1]), outline=shade, width=2)
    else:
        box = (x[0], y[0], min(x[1], x[0] + size[0] // 4), min(y[1], y[0] + size[1] // 4))
        (pen.rectangle if kind == 2 else pen.ellipse)(box, fill=shade)


def _shape(rng: np.random.Generator, pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: int) -> None:
    kind = SHAPES[int(rng.integers(0, 3))]
    fill = tuple((np.array(COLOURS[colour]) + rng.integers(-15, 16, 3)).clip(0, 255).tolist())
    if kind == "triangle":
        left, top, right, bottom = box
        pen.polygon([(left, bottom), (right, bottom), ((left + right) // 2, top)], fill=fill)
    else:
        (pen.ellipse if kind == "ellipse" else pen.rectangle)(box, fill=fill)
