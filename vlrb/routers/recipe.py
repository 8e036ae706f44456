"""How an end-to-end router is trained: a property of the backbone, so it is chosen with the encoder."""

from dataclasses import dataclass
from typing import Literal

from vlrb.utils.errors import ConfigError

Schedule = Literal["linear", "cosine", "constant"]


@dataclass(frozen=True)
class Recipe:
    """Settings of training by gradients.

    Args:
        lr: Highest learning rate of AdamW.
        weight_decay: Decoupled decay of matrices (none on biases, norms, embeddings and temperatures).
        warmup: Share of all steps of the optimiser in which the rate rises to `lr`.
        schedule: What the rate does then: falls to 0 linearly or as a cosine, or stays.
        gradient_clip: Largest norm of a gradient; null = any. `trainer.gradient_clip_val` comes first.
        batch_size: Samples per batch, over all devices; with `trainer.accumulate_grad_batches=k`, k make one step.
        max_epochs: Longest training.
        patience: Stop after this many epochs without a lower dev loss.
        layer_decay: Factor of the rate from one layer to the one below it; the head learns at `lr`.
        freeze: Leave pretrained weights as they are and read them without dropout; the head learns, and what no
            checkpoint has weights for.
        lora_rank: Rank of low-rank adapters of the attention that are trained in place of pretrained weights; 0 = none.
        gradient_checkpointing: Compute activations again in the backward pass: less memory, more time.

    Raises:
        ConfigError: A number is out of range, or two settings exclude one another.
    """

    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.1
    schedule: Schedule = "cosine"
    gradient_clip: float | None = 1.0
    batch_size: int = 16
    max_epochs: int = 20
    patience: int = 6
    layer_decay: float = 1.0
    freeze: bool = False
    lora_rank: int = 0
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers out of range."""
        clip = 1.0 if self.gradient_clip is None else self.gradient_clip
        for key, fits, words in (
            ("lr", self.lr > 0, "above 0"),
            ("weight_decay", self.weight_decay >= 0, "at least 0"),
            ("warmup", 0 <= self.warmup < 1, "at least 0 and below 1"),
            ("gradient_clip", clip > 0, "above 0, or null"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("max_epochs", self.max_epochs >= 1, "at least 1"),
            ("patience", self.patience >= 1, "at least 1"),
            ("layer_decay", 0 < self.layer_decay <= 1, "above 0 and at most 1"),
            ("lora_rank", self.lora_rank >= 0, "at least 0"),
        ):
            if not fits:
                raise ConfigError(f"encoder.training.{key} must be {words}, not {getattr(self, key)}")
        if self.freeze and self.lora_rank:
            raise ConfigError("encoder.training.freeze leaves nothing for lora_rank to train", "choose one of the two")
