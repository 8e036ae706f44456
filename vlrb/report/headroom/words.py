"""The verdict in plain language, each sentence with the figures it rests on."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from vlrb.report.columns import dollars, three
from vlrb.report.columns import interval as bracket

Report = Mapping[str, Any]
HEADLINES = {
    "worth it": "Routing is worth it here.",
    "maybe": "Routing may be worth it here.",
    "not shown": "Nothing here shows that routing is worth it.",
}
FULL_POINT = 0.01


class Finding(NamedTuple):
    """One piece of evidence: a question, the answer in words, and whether it speaks for routing (None = neither)."""

    question: str
    answer: str
    speaks_for: bool | None


def points(value: float | None) -> str:
    """Return a difference in accuracy in points.

    >>> points(0.0718), points(-0.0132)
    ('+7.2 points', '−1.3 points')
    """
    return "–" if value is None else f"{100 * value:+.1f} points".replace("-", "−")


def span(low: float | None, high: float | None) -> str:
    """Return the interval of a difference in points, "" if there is none.

    >>> span(0.056, 0.0891), span(-0.0303, 0.0033), span(None, None)
    ('[5.6 to 8.9]', '[−3.0 to 0.3]', '')
    """
    return "" if low is None or high is None else f"[{100 * low:.1f} to {100 * high:.1f}]".replace("-", "−")


def headline(report: Report) -> str:
    """Return the verdict as one sentence."""
    return HEADLINES[report["verdict"]["verdict"]]


def summary(report: Report) -> str:
    """Return what the verdict rests on, in two or three sentences."""
    return " ".join([_oracle_in_short(report), _group_in_short(report), *_money_in_short(report)])


def _oracle_in_short(report: Report) -> str:
    oracle = report["oracle"]
    null = oracle["null"]
    band = f"{three(null['mean'])} {bracket(null['low'], null['high'])}"
    observed = three(oracle["observed"])
    if oracle["observed"] > null["high"]:
        above = "is above what luck and difficulty alone give"
        return f"The oracle ({observed}) {above} ({band}): models complement one another."
    where = "less than" if oracle["observed"] < null["low"] else "what"
    return (
        f"The oracle ({observed}) is {where} luck and difficulty alone give ({band}): "
        "it is mostly luck, and does not show that models specialise."
    )


def _group_in_short(report: Report) -> str:
    tested = [g for g in report["groupings"] if "cross_fitted" in g]
    if not tested:
        return "There is one dataset without categories, so what a label is worth cannot be seen."
    best = max(tested, key=lambda g: g["cross_fitted"]["low"] if g["cross_fitted"]["low"] is not None else -1.0)
    gain = best["cross_fitted"]
    found = f"{points(gain['gain'])} {span(gain['low'], gain['high'])}".strip()
    return f"Taking the best model of each {best['name']} brings {found} over the best single model."


def _money_in_short(report: Report) -> list[str]:
    costs = report["costs"]
    if not costs.get("by_group"):
        return []
    saved = [g for g in costs["by_group"] if g["same_accuracy_cost"] is not None]
    single = costs["hindsight"]["single_cost"]
    if not saved:
        return ["It never reaches that model's accuracy for less money."]
    best = min(saved, key=lambda g: g["same_accuracy_cost"])
    if best["same_accuracy_cost"] >= single:
        return ["It saves no money at that model's accuracy."]
    share = 1 - best["same_accuracy_cost"] / single
    return [f"Chosen by {best['name']}, the same accuracy costs {share:.0%} less."]


def findings(report: Report) -> list[Finding]:
    """Return all evidence in the order of the page."""
    found = [_oracle(report)]
    found += [part for grouping in report["groupings"] for part in _grouping(grouping, report)]
    found += [_guessing(report), _cost(report), _hindsight(report), _complement(report), _power(report)]
    found += [_truth(report)] if report.get("truth") else []
    return found


def _oracle(report: Report) -> Finding:
    oracle, single = report["oracle"], report["best_single"]
    null = oracle["null"]
    text = (
        f"Some model solves {three(oracle['observed'])} of the samples; the best single model, {single['name']}, "
        f"{three(single['accuracy'])}. If models differed in ability and samples in difficulty, and in nothing else, "
        f"the oracle would be {three(null['mean'])} {bracket(null['low'], null['high'])} by luck; if everything were "
        f"independent, {three(oracle['independence'])}."
    )
    return Finding("Is the oracle more than luck?", text, oracle["observed"] > null["high"])


def _grouping(grouping: Mapping[str, Any], report: Report) -> list[Finding]:
    name = grouping["name"]
    if "cross_fitted" not in grouping:
        return [Finding(f"Do models specialise by {name}?", f"Cannot be seen: {grouping['reason']}.", None)]
    gain = grouping["cross_fitted"]
    sure = gain["low"] is not None and gain["low"] > 0
    text = (
        f"The best model of each of {grouping['groups']} groups, chosen on other samples than it is judged on: "
        f"{three(gain['accuracy'])} against {three(gain['best_single'])}, {points(gain['gain'])} "
        f"{span(gain['low'], gain['high'])}. In hindsight {three(grouping['hindsight'])}"
    )
    null = grouping.get("hindsight_null")
    text += f", of which luck gives {three(null['mean'])} {bracket(null['low'], null['high'])}." if null else "."
    worth = Finding(f"What is knowing the {name} worth?", text, bool(sure and gain["gain"] >= FULL_POINT))
    return [_interaction(grouping), worth]


def _interaction(grouping: Mapping[str, Any]) -> Finding:
    question = f"Do models specialise by {grouping['name']}?"
    test = grouping.get("interaction")
    if test is None:
        return Finding(question, f"Cannot be tested: {grouping['reason']}.", None)
    p = max(test["p"], test["p_related"])
    differ = p < 0.01
    spread = (test["null"]["high"] - test["null"]["low"]) / 3.92
    text = (
        f"{'Yes' if differ else 'Not shown'}: χ² {test['statistic']:,.0f} on {test['freedom']} degrees of freedom, "
        f"where difficulty and ability alone give {test['null']['mean']:,.0f} ± {spread:,.0f} (z {test['z']:.1f}, p "
        f"{_p(test['p'])}; with related samples kept together p {_p(test['p_related'])})."
    )
    gain = grouping["cross_fitted"]
    if differ and (gain["low"] is None or gain["low"] <= 0):
        most = "" if gain["high"] is None else f" (at most {points(max(gain['high'], 0.0))})"
        text += f" Real, but choosing by it brings nothing that can be told from chance{most}."
        return Finding(question, text, None)
    return Finding(question, text, differ)


def _p(value: float) -> str:
    return "< .01" if value < 0.01 else f"= {value:.2f}"


def _guessing(report: Report) -> Finding:
    question = "How much of the oracle is guessing?"
    found = report["guessing"]
    if not found["n"]:
        return Finding(question, f"Not applicable: {found['reason']}.", None)
    text = (
        f"{found['n']:,} samples have a known number of options. There the oracle is {three(found['oracle'])}; as many "
        f"models that know nothing would reach {three(found['guessers'])}. Without guesses at least one model knows "
        f"{three(found['corrected'])}, the best single model {three(found['best_single'])}."
    )
    return Finding(question, text, None)


def _cost(report: Report) -> Finding:
    question = "Is it worth money?"
    costs = report["costs"]
    if not costs["n"] or "by_group" not in costs:
        return Finding(question, f"Not applicable: {costs['reason']}.", None)
    parts, speaks_for = [], False
    for group in costs["by_group"]:
        if group["gain"] is None:
            parts.append("The cheapest and the best model cost less than twice as much as one another: little to save.")
            break
        gain = f"{points(group['gain'])} {span(group['low'], group['high'])}"
        parts.append(f"Chosen by {group['name']}: {gain} over a static mixture of equal cost.")
        speaks_for |= group["low"] is not None and group["low"] > 0 and group["gain"] >= FULL_POINT
        if group["same_accuracy_cost"] is not None:
            same, single = group["same_accuracy_cost"], costs["hindsight"]["single_cost"]
            parts.append(f"The best single model's accuracy for {per_1k(same)} instead of {per_1k(single)} per 1k.")
    return Finding(question, " ".join(parts) or "One dataset without categories: cannot be seen.", speaks_for)


def _hindsight(report: Report) -> Finding:
    question = "What would the cheapest right model cost?"
    costs = report["costs"]
    if "hindsight" not in costs:
        return Finding(question, f"Not applicable: {costs['reason']}.", None)
    found = costs["hindsight"]
    text = (
        f"{per_1k(found['cost'])} per 1k at the oracle's accuracy ({costs['best_single']} where nobody is right), "
        f"{per_1k(found['same_answers_cost'])} for the best single model's very answers, against "
        f"{per_1k(found['single_cost'])}. A bound: it knows who is right."
    )
    return Finding(question, text, None)


def per_1k(cost: float | None) -> str:
    """Return a cost per query as USD per 1,000 queries."""
    return dollars(None if cost is None else 1000 * cost)


def _complement(report: Report) -> Finding:
    best = report["best_pools"]
    pair = f"The best pair, {' and '.join(best[0]['models'])}, solves {three(best[0]['oracle'])}"
    three_of = f"; the best three, {', '.join(best[1]['models'])}, {three(best[1]['oracle'])}" if len(best) > 1 else ""
    correlation = report["pairs"]["mean_error_correlation"]
    unit = "" if correlation is None else f" Errors of two models correlate by {correlation:.2f} on average."
    return Finding("Do models complement one another?", f"{pair}{three_of}.{unit}", None)


def _power(report: Report) -> Finding:
    found = report["detectable"]
    if found["difference"] is None:
        text = "Nothing: the two best models never differ, or the test split is empty."
    else:
        text = (
            f"Its {found['n']:,} samples show differences from {100 * found['difference']:.1f} points on (80 % power; "
            f"{' and '.join(found['between'])} differ on {found['disagreement']:.0%}, design effect "
            f"{found['design_effect']:.2f}). One point needs {found['samples_for_a_point']:,} test samples."
        )
    return Finding("What can the test split show?", text, None)


def _truth(report: Report) -> Finding:
    found = report["truth"]
    by_group = ", ".join(f"best model per {name} {three(value)}" for name, value in found["groupings"].items())
    text = (
        f"The generator knows: best single model {three(found['best_single'])}, {by_group}, Bayes router "
        f"{three(found['bayes'])}: {points(found['bayes'] - found['best_single'])} can be attained."
    )
    same = found["bayes_same_accuracy_cost"]
    if same is not None:
        text += f" It has the best single model's accuracy for {per_1k(same)} per 1k."
    return Finding("What is attainable in truth?", text, found["bayes"] - found["best_single"] >= FULL_POINT)


def caveats(report: Report) -> list[str]:
    """Return what to keep in mind: holes in the data, models left out of tests, what the null model assumes."""
    data = report["data"]
    lines = []
    if data["unknown_outcomes"] or data["samples_without_outcomes"]:
        lines.append(
            f"{data['unknown_outcomes']:,} outcomes are unknown and left out of every count; "
            f"{data['samples_without_outcomes']:,} samples have none at all"
        )
    if report["costs"].get("left_out"):
        lines.append(
            f"the cost view leaves out {report['costs']['left_out']:,} samples with an unknown outcome or cost"
        )
    for key, words in (("always_right", "right"), ("always_wrong", "wrong")):
        if data[key]:
            lines.append(f"{', '.join(data[key])}: always {words}, so no ability can be told")
    lines.append(
        "the null model has one ability per model and normally distributed difficulty; models of one family err "
        "together, which lowers the observed oracle: “not shown” is not “proved absent”"
    )
    if report["oracle"]["observed"] < report["oracle"]["null"]["low"]:
        lines.append("the oracle is even below that null: models err together more than difficulty explains")
    return lines
