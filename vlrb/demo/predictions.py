"""Answers of an exact length in tokens.

Output cost is counted from the text of the prediction, so an answer drawn to be O tokens long must be O tokens long
under the default tokenizer. Every word used here is one token of the Tekken vocabulary with or without a space before
it, every mark is one token, and a digit after a space is two: lengths can then be added up without a tokenizer.
"""

from functools import cache
from itertools import accumulate

import numpy as np

_SENTENCES = """
The picture is clear and the task is short .
We look at the text and the frame , then at the rest .
It helps to list what can be seen .
Now we check the numbers once more .
This part is the one that matters .
Let us take it step by step .
The list is complete , so we can go on .
Then we compare all of them with each other .
That looks right , but we should check it again .
There is one more thing to look at .
We keep the result and go back to the start .
So the next step is simple .
The name and the number belong to the same place .
It is best to be careful with small text .
"""
# One closing phrase for every length, so that a text can end on a whole sentence at any number of tokens.
_CLOSINGS = {
    1: "So", 2: "Then .", 3: "We see .", 4: "Now we see .", 5: "So we look again .", 6: "That is all we need .",
    7: "This is all that we need .", 8: "So this is all that we need .", 9: "So now this is all that we need .",
    10: "So we see that this is all we need .", 11: "So now we see that this is all we need .",
    12: "So now we can see that this is all we need .", 13: "So now we can see that this is all that we need .",
}  # fmt: skip


def _glue(words: str) -> str:
    return words.replace(" .", ".").replace(" ,", ",")


_LINES = tuple(_SENTENCES.strip().splitlines())
_ORDER = np.random.default_rng(0).permutation(np.arange(4000) % len(_LINES))
_STREAM = " ".join(_glue(_LINES[i]) for i in _ORDER)
_TOKEN_ENDS = np.array([0, *accumulate(len(_LINES[i].split()) for i in _ORDER)])
_CHAR_ENDS = np.array([0, *accumulate(len(_glue(_LINES[i])) + 1 for i in _ORDER)])


def filler(tokens: int, start: int) -> str:
    """Return sentences of exactly `tokens` tokens in all, taken from a fixed text at any `start`."""
    last_start = int(np.searchsorted(_TOKEN_ENDS, _TOKEN_ENDS[-1] - tokens, side="right")) - 1
    first = start % last_start
    end = int(np.searchsorted(_TOKEN_ENDS, _TOKEN_ENDS[first] + tokens, side="right")) - 1
    body = _STREAM[_CHAR_ENDS[first] : max(_CHAR_ENDS[end] - 1, _CHAR_ENDS[first])]
    missing = tokens - int(_TOKEN_ENDS[end] - _TOKEN_ENDS[first])
    closing = _closing(missing)
    return f"{body} {closing}" if body and closing else body + closing


@cache
def _closing(tokens: int) -> str:
    return _glue(_CLOSINGS[tokens]) if tokens else ""


def prediction_text(answer: str, tokens: int, start: int) -> str:
    """Return a prediction of exactly `tokens` ≥ 1 tokens that ends with `answer`, a one-token word or a digit."""
    spaced = 2 if answer.isdigit() else 1
    if tokens == 1:
        return answer
    if tokens == 2:
        return f"{answer}."
    if tokens < 2 + spaced:
        return f"So {answer}"
    if tokens == 2 + spaced:
        return f"Answer: {answer}"
    return f"{filler(tokens - 2 - spaced, start)} Answer: {answer}"
