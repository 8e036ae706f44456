"""What a network can read: how many tokens, which ids, pictures of which size."""

from vlrb.encoders.backbones.text import TextInputs
from vlrb.utils.errors import ConfigError

KEY = "encoder.backbone"


def check_text(text: TextInputs, positions: int, vocabulary: int) -> None:
    """Find out whether a network has a position for every token and an embedding for every id.

    Args:
        text: How prompts become token ids; its tokenizer is there.
        positions: Most tokens that the network reads.
        vocabulary: Token ids that it knows.

    Raises:
        ConfigError: It has not.
    """
    if text.max_length > positions:
        raise ConfigError(
            f"{KEY}.text.max_length={text.max_length}, but this network reads at most {positions} tokens",
            f"{KEY}.text.max_length={positions}",
        )
    found = text.tokenizer.get_vocab_size()
    if found > vocabulary:
        raise ConfigError(
            f"the tokenizer has {found:,} tokens, but this network knows {vocabulary:,} ids",
            "take the tokenizer of the same checkpoint; with random weights, give both the same vocab_size",
        )


def check_pictures(size: int, patch: int) -> None:
    """Find out whether pictures divide into patches.

    Args:
        size: Height and width of the pictures in pixels.
        patch: Those of a patch.

    Raises:
        ConfigError: They do not.
    """
    if size % patch:
        raise ConfigError(
            f"{KEY}.pictures.size={size} does not divide into patches of {patch} pixels",
            f"{KEY}.pictures.size={max(1, round(size / patch)) * patch}",
        )
