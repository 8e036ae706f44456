"""From evidence to a verdict, by rules that anyone can check."""

from typing import Literal, NamedTuple

WORTH = 0.01  # accuracy: one point in a hundred, the least that is worth a router
LEVEL = 0.01  # of the test of models × groups: several tests are made, none may cry wolf
Verdict = Literal["worth it", "maybe", "not shown"]


class Evidence(NamedTuple):
    """What the verdict rests on; None = could not be found out.

    Attributes:
        oracle: Observed oracle.
        null_low: Lower end of its 95 % under difficulty and ability alone.
        null_high: Upper end.
        interaction_p: Smallest that can be trusted: the larger of the p-values of the test of models × groups.
        gain: (gain, low, high) in accuracy of the best model per group over the best single model, cross-fitted.
        cost_gain: (gain, low, high) in accuracy of the choice by group over the static mixture of equal cost.
    """

    oracle: float
    null_low: float
    null_high: float
    interaction_p: float | None
    gain: tuple[float, float | None, float | None] | None
    cost_gain: tuple[float, float | None, float | None] | None


class Judgement(NamedTuple):
    """The verdict and which rules spoke for it, by name."""

    verdict: Verdict
    rules: tuple[str, ...]


def judge(evidence: Evidence) -> Judgement:
    """Return the verdict.

    **worth it**: `gain` or `cost_gain`: a choice by dataset or category alone, judged on samples it was not made on,
    gains at least one point of accuracy (over the best single model, or over the static mixture of equal cost), and the
    whole 95 % interval is above 0. That much is in hand before a router has seen a single picture.

    **maybe**: `oracle`: it lies above the 95 % that difficulty and ability give; or `interaction`: models differ
    between groups (p < .01) and a gain of one point is within the interval of `gain` (or there is none); or `small
    gain`: a gain above 0 with its whole interval, but less than a point.

    **not shown**: none of these.

    >>> judge(Evidence(0.597, 0.597, 0.644, 0.003, (-0.013, -0.030, 0.003), None)).verdict
    'not shown'
    >>> judge(Evidence(0.95, 0.94, 0.96, 0.001, (0.05, 0.03, 0.07), None))
    Judgement(verdict='worth it', rules=('gain',))
    """
    worth = [name for name, found in _gains(evidence) if _sure(found) and found[0] >= WORTH]
    if worth:
        return Judgement("worth it", tuple(worth))
    maybe = []
    if evidence.oracle > evidence.null_high:
        maybe.append("oracle")
    if evidence.interaction_p is not None and evidence.interaction_p < LEVEL and _may_be_worth(evidence):
        maybe.append("interaction")
    if any(_sure(found) for _, found in _gains(evidence)):
        maybe.append("small gain")
    return Judgement("maybe", tuple(maybe)) if maybe else Judgement("not shown", ())


def _gains(evidence: Evidence) -> list[tuple[str, tuple[float, float | None, float | None]]]:
    found = (("gain", evidence.gain), ("cost_gain", evidence.cost_gain))
    return [(name, value) for name, value in found if value is not None]


def _sure(found: tuple[float, float | None, float | None]) -> bool:
    return found[1] is not None and found[1] > 0


def _may_be_worth(evidence: Evidence) -> bool:
    """Return whether a gain of `WORTH` cannot be ruled out."""
    return evidence.gain is None or evidence.gain[2] is None or evidence.gain[2] >= WORTH
