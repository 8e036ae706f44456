"""Answers have exactly the drawn length under the default tokenizer, and say exactly one thing."""

from pathlib import Path

import mistral_common
import pytest
from mistral_common.tokens.tokenizers.tekken import Tekkenizer

from vlrb.demo.constants import MAX_OUTPUT_TOKENS
from vlrb.demo.predictions import filler, prediction_text
from vlrb.demo.questions import ANSWER_POOLS

ANSWERS = (
    sorted({answer for pool in ANSWER_POOLS.values() for answer in pool} - {"Australia"}) + list("ABCD") + ["Yes", "No"]
)
XLSX_CELL = 32_767


@pytest.fixture(scope="module")
def count():
    """Count tokens with the tokenizer that the benchmark uses by default."""
    tokenizer = Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / "tekken_240911.json")
    return lambda text: len(tokenizer.encode(text, bos=False, eos=False))


@pytest.mark.parametrize("tokens", [*range(1, 48), 133, 400, 2999, MAX_OUTPUT_TOKENS])
def test_length_is_exact(tokens: int, count) -> None:
    for start, answer in enumerate(ANSWERS if tokens < 20 else ANSWERS[::9]):
        text = prediction_text(answer, tokens, start * 7919)
        assert count(text) == tokens, text
        assert answer in text
        assert len(text) < XLSX_CELL


def test_filler_never_says_an_answer() -> None:
    """The OCRBench rule looks for the answer anywhere in lower case; letters and yes/no count as whole words."""
    text = filler(20_000, 0)
    words = set(text.replace(",", " ").replace(".", " ").split())
    assert not words & {"A", "B", "C", "D", "I", "Z", "Yes", "No", "yes", "no"}
    for answer in ANSWERS:
        if len(answer) > 1 and answer not in ("Yes", "No"):
            assert answer.lower() not in text.lower()
    assert not any(character.isdigit() for character in text)


def test_answers_do_not_contain_each_other() -> None:
    for first in ANSWERS:
        for second in ANSWERS:
            if first != second and len(first) > 1 and len(second) > 1 and second != "No":
                assert second.lower() not in first.lower()
