"""Find the chosen option in a free answer, by VLMEvalKit's rule for runs without a judge."""

import re
from collections.abc import Mapping

from vlrb.sources.vlmevalkit.scoring.base import FAILED

REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
NONE_OF_THEM = "Z"
_MARKS = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_STATED = re.compile(r"answer is\s*\**\s*([A-D])\b", re.IGNORECASE)


def find_letter(text: str, choices: Mapping[str, str]) -> str | None:
    """Return the letter that `text` chooses, "Z" for a refusal, None if no rule decides.

    A letter counts if it is the only option letter that stands alone and comes within the last five words; else
    "answer is X"; else the one option whose text occurs in a short answer.

    >>> find_letter("The answer is (B).", {"A": "cat", "B": "dog"}), find_letter("a dog", {"A": "cat", "B": "dog"})
    ('B', 'B')
    >>> find_letter("A or B", {"A": "cat", "B": "dog"}) is None
    True
    """
    if FAILED in text:
        return None
    if any(phrase in text for phrase in REFUSALS):
        return NONE_OF_THEM
    return _by_letter(text, choices) or _by_phrase(text, choices) or _by_text(text, choices)


def _by_letter(text: str, choices: Mapping[str, str]) -> str | None:
    words = text.translate(_MARKS).split()
    found = [letter for letter in choices if letter in words]
    if len(found) == 1 and words.count(found[0]) and words.index(found[0]) > len(words) - 5:
        return found[0]
    return NONE_OF_THEM if not found and NONE_OF_THEM in words else None


def _by_phrase(text: str, choices: Mapping[str, str]) -> str | None:
    stated = {letter.upper() for letter in _STATED.findall(text)}
    return stated.pop() if len(stated) == 1 and stated <= set(choices) else None


def _by_text(text: str, choices: Mapping[str, str]) -> str | None:
    text = text.lower()
    options = {letter: option.lower() for letter, option in choices.items()}
    if len(text) > 2 * sum(map(len, options.values())):
        return None
    found = [letter for letter, option in options.items() if option and option in text]
    return found[0] if len(found) == 1 else None
