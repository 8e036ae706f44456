"""Decide whether two short answers are the same number or text, without ever evaluating them as code."""

import ast
import math
import operator
import re
from collections.abc import Callable
from functools import lru_cache

MAX_LENGTH = 200
TOLERANCE = 1e-6
MAX_EXPONENT = 64
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_LATEX = (
    (re.compile(r"\\left|\\right|\\displaystyle|\\[ ,;!]|[$]|\\\(|\\\)|~"), ""),
    (re.compile(r"\\(?:text|mathrm|mathbf|operatorname)\s*\{[^{}]*\}"), ""),
    (re.compile(r"\\[dtc]frac"), r"\\frac"),
    (re.compile(r"\\frac\s*(\d)\s*(\d)"), r"((\1)/(\2))"),
    (re.compile(r"\^\s*\{?\s*\\circ\s*\}?|\\degree|°"), ""),
    (re.compile(r"\\cdot|\\times|×"), "*"),
    (re.compile(r"\\div|÷"), "/"),
    (re.compile(r"\\pi\b|π"), "(pi)"),
    (re.compile(r"\\?%"), ""),
    (re.compile("[\u2212\u2013]"), "-"),
)
_FRACTION = re.compile(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s*(?:\{([^{}]*)\}|(\d))")
_PRODUCT = re.compile(r"(?<=[\d)])\s*(?=\()|(?<=\))\s*(?=\d)")


def same_answer(given: str, truth: str) -> bool:
    r"""Return whether two answers are equal as text (but for case and space) or as numbers within 10⁻⁶.

    Numbers may be arithmetic or LaTeX: fractions, roots, powers, products, π. What cannot be read is not equal.

    >>> same_answer(" X ", "x"), same_answer("0.5", r"\frac{1}{2}"), same_answer("2\\sqrt{2}", "8**0.5")
    (True, True, True)
    >>> same_answer("3", "4"), same_answer("__import__('os')", "1")
    (False, False)
    """
    given, truth = given.strip().lower(), truth.strip().lower()
    if given == truth:
        return True
    left, right = as_number(given), as_number(truth)
    return left is not None and right is not None and abs(left - right) < TOLERANCE


@lru_cache(maxsize=65536)
def as_number(text: str) -> float | None:
    """Return the finite value of an arithmetic or LaTeX expression of numbers; None if it is anything else."""
    if not text or len(text) > MAX_LENGTH or not any(c.isdigit() or c == "π" for c in text.replace("\\pi", "π")):
        return None
    try:
        value = _value(ast.parse(_plain(text), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, TypeError, RecursionError, MemoryError):
        return None
    return value if math.isfinite(value) else None


def _plain(text: str) -> str:
    """Turn LaTeX into arithmetic, innermost braces first."""
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    for _ in range(8):
        before = text
        text = _ROOT.sub(lambda found: f"(({found[1] or found[2]})**0.5)", text)
        text = _FRACTION.sub(r"((\1)/(\2))", text)
        if text == before:
            break
    text = text.replace("^", "**").replace("{", "(").replace("}", ")")
    return _PRODUCT.sub("*", text).strip()


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id == "pi":
        return math.pi
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow) and abs(right) > MAX_EXPONENT:
            raise ValueError("exponent too large")
        value = _OPERATORS[type(node.op)](left, right)
        if isinstance(value, complex):
            raise ValueError("not a real number")
        return value
    raise ValueError("not arithmetic")
