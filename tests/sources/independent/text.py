"""Comparisons of answers, written out one by one from the description of the evaluators' rules."""

import ast
import math
import re
from typing import Any

UNKNOWN = math.nan
REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)


def said(value: Any) -> str:
    """Return a cell as the evaluator's str() would show it, numbers without ".0"."""
    if value is None:
        return "nan"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def truthy(value: Any) -> float:
    """Return 1 or 0 for a right/wrong mark, NaN for an empty one."""
    if value is None:
        return UNKNOWN
    text = str(value).strip().lower()
    if text in ("", "nan", "none"):
        return UNKNOWN
    return {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}[text]


def listed(value: Any) -> list[Any]:
    """Return a list that may be stored as its literal; anything else is a list of one."""
    if isinstance(value, list):
        return value
    text = "" if value is None else said(value)
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return [text]
    return list(found) if isinstance(found, list) else [text]


def infer(text: str, choices: dict[str, str]) -> str | None:
    """Return the letter that an answer chooses: a letter at its end, "answer is X", or one option's text."""
    if "Failed to obtain answer via API" in text:
        return None
    if any(phrase in text for phrase in REFUSALS):
        return "Z"
    plain = text
    for mark in ".()[],:;!*#{}":
        plain = plain.replace(mark, " ")
    words = plain.split()
    present = [letter for letter in choices if letter in words]
    if len(present) == 1 and words.index(present[0]) > len(words) - 5:
        return present[0]
    if not present and "Z" in words:
        return "Z"
    stated = re.search(r"answer is\s+\**([A-D])\b", text, re.IGNORECASE)
    if stated and stated[1].upper() in choices:
        return stated[1].upper()
    lowered = text.lower()
    options = {letter: str(option).lower() for letter, option in choices.items()}
    if len(lowered) > 2 * sum(len(option) for option in options.values()):
        return None
    fitting = [letter for letter, option in options.items() if option in lowered]
    return fitting[0] if len(fitting) == 1 else None


def yes_or_no(text: str) -> str:
    words = re.sub(r"[^\w\s]", "", text.lower()).split()
    if ("yes" in words) == ("no" in words):
        return "Unknown"
    return "Yes" if "yes" in words else "No"


NUMBERS = {"none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}
NUMBERS |= {"six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10"}
CONTRACTIONS = {"dont": "don't", "isnt": "isn't", "cant": "can't", "thats": "that's", "youre": "you're"}
PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'


def vqa_plain(text: str) -> str:
    """Return an answer in the form that VQA accuracy compares."""
    text = text.replace("\n", " ").replace("\t", " ").strip()
    out = text
    for mark in PUNCTUATION:
        if f"{mark} " in text or f" {mark}" in text or re.search(r"\d,\d", text):
            out = out.replace(mark, "")
        else:
            out = out.replace(mark, " ")
    out = re.sub(r"\.(?!\d)", "", out)
    words = [NUMBERS.get(word, word) for word in out.lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ("a", "an", "the"))


def vqa_score(answers: list[str], prediction: str) -> float:
    """Return the mean, over annotators, of min(1, how many others say the same / 3)."""
    names, given = [vqa_plain(answer) for answer in answers], vqa_plain(prediction)
    scores = []
    for i in range(len(names)):
        others = sum(names[j] == given for j in range(len(names)) if j != i)
        scores.append(min(1.0, others / 3))
    return sum(scores) / len(scores)


def relaxed(target: str, prediction: str) -> bool:
    """Return whether two answers agree: numbers within five per cent, texts but for case."""
    t, p = number(target.strip()), number(prediction.strip())
    if t is not None and p is not None and t != 0:
        return abs(p - t) / abs(t) <= 0.05
    return target.strip().lower() == prediction.strip().lower()


def number(text: str) -> float | None:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None


def edit_distance(a: str, b: str) -> int:
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[-1] + 1, previous[j - 1] + (x != y)))
        previous = row
    return previous[-1]


def distance(truth: str, prediction: str) -> float:
    """Return the edit distance in shares of the longer of the two as they were written; 0 for two empty texts."""
    longest = max(len(truth), len(prediction))
    if longest == 0:
        return 0.0
    return edit_distance(" ".join(truth.lower().split()), " ".join(prediction.lower().split())) / longest


def anls(distances: list[float]) -> float:
    best = 1 - min(distances)
    return best if best >= 0.5 else 0.0


def plain_math(text: str) -> str:
    """Return simple LaTeX (fractions, roots, degrees, dollar signs) as arithmetic."""
    text = text.strip().strip("$").replace(r"^\circ", "").replace("^{\\circ}", "")
    text = re.sub(r"\\sqrt\{?(\d+)\}?", r"(\1)**0.5", text)
    text = re.sub(r"(\d)\s*\((\d+)\)\*\*", r"\1*(\2)**", text)
    return re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2)", text)


def arithmetic(text: str) -> float | None:
    """Return the value of an expression of numbers, + - * / ** and brackets; None for anything else."""
    if len(text) > 200 or not re.fullmatch(r"[-+*/(). \d]+", text.strip()):
        return None
    try:
        return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError, OverflowError, TypeError):
        return None


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        return _value(node.operand) * (-1 if isinstance(node.op, ast.USub) else 1)
    if isinstance(node, ast.BinOp):
        a, b = _value(node.left), _value(node.right)
        kind = type(node.op)
        if kind is ast.Pow and abs(b) > 99:
            raise ValueError
        done = {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b}
        if kind in done:
            return done[kind]
        if kind is ast.Div:
            return a / b
        if kind is ast.Pow:
            return float(a**b)
    raise ValueError


def math_equal(a: str, b: str) -> bool:
    if a.strip().lower() == b.strip().lower():
        return True
    x, y = arithmetic(plain_math(a)), arithmetic(plain_math(b))
    return x is not None and y is not None and abs(x - y) < 1e-6
