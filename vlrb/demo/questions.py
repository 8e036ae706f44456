"""Questions about a scene. The wording shows skill, depth and focus, and the stated answer is the true one.

The wording never depends on the kind, fineness or layout of the picture, so the question alone says nothing of them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from vlrb.demo.constants import FOCUSES, SKILLS
from vlrb.demo.scenes import COLOUR_NAMES, CONTINENTS, LAST_NUMBER, PLACES, Entry, Scene

SCOPES = {
    "whole": (
        "Consider the whole picture.",
        "Look at the whole picture.",
        "Take the whole picture into account.",
        "This is about the whole picture.",
    ),
    "marked": (
        "Consider only the part marked by the dashed frame.",
        "Look only inside the dashed frame.",
        "Leave aside all that lies outside the dashed frame.",
        "This is only about what the dashed frame holds.",
    ),
}
# The request is about a named entry, or about one that must be found in one step or in several.
STEPS = (
    ("{request}",),
    (
        "first find the entry with the {end} number, then {request}",
        "first look for the {end} number, then, for its entry, {request}",
        "first locate the entry whose number is the {end}, then {request}",
    ),
    (
        "sort all entries by number, drop the {end}, take the {next} of the remaining ones, and finally {request}",
        "sort the entries, set aside the one with the {end} number, pick the {next} of the remaining ones, and finally "
        "{request}",
        "drop the entry with the {end} number, sort the remaining ones, take the {next}, and finally {request}",
    ),
)
REQUESTS = {
    "recognise": (
        "recognise the colour of {entry}",
        "recognise which colour {entry} has",
        "recognise the colour that {entry} is drawn in",
    ),
    "count": (
        "count how many entries have smaller numbers than {entry}",
        "count the entries with smaller numbers than {entry}",
        "count all entries that are smaller than {entry}",
    ),
    "read": (
        "read out the name written on {entry}",
        "read the name that is written on {entry}",
        "read what name is written on {entry}",
    ),
    "lookup": (
        "look up the value listed for {entry}",
        "look up which value is listed for {entry}",
        "look up what is listed as the value of {entry}",
    ),
    "calculate": (
        "calculate the difference between {entry} and the lowest number",
        "calculate the difference of {entry} and the lowest number",
        "calculate how large the difference between {entry} and the lowest number is",
    ),
    "know": (
        "use general knowledge to tell on which continent {entry} lies",
        "tell from general knowledge which continent {entry} belongs to",
        "name the continent of {entry} from general knowledge",
    ),
}
FORMS = ("{request}.", "Please {request}.", "Can you {request}?")
ANSWER_POOLS = {
    "recognise": COLOUR_NAMES,
    "read": PLACES,
    "know": (*dict.fromkeys(CONTINENTS.values()), "Australia"),
    **dict.fromkeys(("count", "lookup", "calculate"), tuple(str(n) for n in range(LAST_NUMBER + 1))),
}


@dataclass(frozen=True)
class Question:
    """A question with its true answer and wrong answers of the same sort (at least three)."""

    text: str
    answer: str
    wrong: tuple[str, ...]


def write_question(rng: np.random.Generator, scene: Scene, skill: int, depth: int, focus: int) -> Question:
    """Write one question about a scene; attribute codes as in `vlrb.demo.constants`."""
    skill_name, focus_name = SKILLS[skill], FOCUSES[focus]
    scope = [scene.entries[i] for i in scene.marked] if focus_name == "marked" else list(scene.entries)
    ranked = sorted(scope, key=lambda entry: entry.number)
    picked = rng.integers(1 << 20, size=8)
    high, next_high = bool(picked[0] & 1), bool(picked[0] & 2)
    if depth == 0:
        target = scope[picked[1] % len(scope)]
        named = f"the entry numbered {target.number}" if skill_name == "read" else f"the entry {target.place}"
    else:
        rest = ranked if depth == 1 else (ranked[:-1] if high else ranked[1:])
        target = rest[-1 if (high if depth == 1 else next_high) else 0]
        named = "that entry"
    request = _pick(REQUESTS[skill_name], picked[2]).format(entry=named)
    ends = {"end": "highest" if high else "lowest", "next": "highest" if next_high else "lowest"}
    request = _pick(STEPS[depth], picked[3]).format(request=request, **ends)
    sentence = _capital(_pick(FORMS, picked[4]).format(request=request))
    scope_text = _pick(SCOPES[focus_name], picked[5])
    text = f"{sentence} {scope_text}" if picked[6] % 3 == 0 else f"{scope_text} {sentence}"
    answer = _answer(skill_name, target, ranked)
    return Question(text, answer, _wrong_answers(rng, skill_name, answer))


def _pick(variants: tuple[str, ...], number: int) -> str:
    return variants[number % len(variants)]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _answer(skill: str, target: Entry, ranked: list[Entry]) -> str:
    answers = {
        "recognise": target.colour,
        "count": str(sum(entry.number < target.number for entry in ranked)),
        "read": target.place,
        "lookup": str(target.number),
        "calculate": str(target.number - ranked[0].number),
        "know": CONTINENTS[target.place],
    }
    return answers[skill]


def _wrong_answers(rng: np.random.Generator, skill: str, answer: str) -> tuple[str, ...]:
    pool = ANSWER_POOLS[skill]
    wrong = [pool[i] for i in rng.permutation(len(pool)) if not alike(pool[i], answer)]
    return tuple(wrong[:3])


@cache
def alike(first: str, second: str) -> bool:
    """Return whether two words are so close that an edit-distance grade would take one for the other.

    >>> alike("China", "Chile"), alike("China", "Peru")
    (True, False)
    """
    return 1 - _edits(first.lower(), second.lower()) / max(len(first), len(second)) >= 0.5


@cache
def edit_share(first: str, second: str) -> float:
    """Return the edit distance divided by the longer length, ignoring case (0 = equal).

    >>> edit_share("Chile", "China")  # two of five letters differ
    0.4
    """
    return _edits(first.lower(), second.lower()) / max(len(first), len(second), 1)


def _edits(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
