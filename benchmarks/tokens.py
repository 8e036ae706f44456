"""Tokens at the published size: counting a quarter of a million answers, every picture rule, the statistics and figure.

    python benchmarks/tokens.py [--answers 250000] [--rounds 3]

Answers are distinct texts of 50–400 tokens. The plain loop and the counter (all cores above 96 MB of text, else this
process) take turns, so that both meet the same load; the processor seconds say what the processes cost in all.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from vlrb.benchmark.tokens.parallel import count_texts
from vlrb.benchmark.tokens.pictures import Pictures, find_rule, rule_names
from vlrb.benchmark.tokens.plot import TokenFigure, draw_tokens
from vlrb.benchmark.tokens.statistics import TokenArrays, token_table
from vlrb.benchmark.tokens.tokenizers import TekkenTokenizer
from vlrb.demo.predictions import prediction_text
from vlrb.utils.devices import cores

SAMPLES, MODELS = 30_540, 17
RULE_GOAL, REPORT_GOAL = 0.5, 1.5  # processor seconds: what others do on the machine does not count


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall seconds, and processor seconds of this process and its finished children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    before, started = sum(u.ru_utime + u.ru_stime for u in usage), time.perf_counter()
    work()
    wall = time.perf_counter() - started
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return wall, sum(u.ru_utime + u.ru_stime for u in usage) - before


def counting(answers: int, rounds: int) -> None:
    """Compare the plain loop with the counter."""
    rng = np.random.default_rng(0)
    lengths, starts = rng.integers(50, 400, answers), rng.integers(0, 10**9, answers)
    texts = [
        prediction_text("ABCD"[i % 4], int(n), int(s)) for i, (n, s) in enumerate(zip(lengths, starts, strict=True))
    ]
    distinct = pa.array(texts, pa.large_string()).dictionary_encode().dictionary
    tokenizer = TekkenTokenizer()
    tokenizer.count(["warm"])
    print(f"{len(distinct):,} distinct answers, {distinct.nbytes / 1e6:,.0f} MB, {cores()} cores")
    ratios = []
    for _ in range(rounds):
        plain, plain_cpu = timed(lambda: tokenizer.count(distinct.to_pylist()))
        ours, ours_cpu = timed(lambda: count_texts(tokenizer, distinct, "counting"))
        ratios.append(plain / ours)
        print(f"plain loop {plain:6.1f} s ({plain_cpu:.1f} cpu)   counter {ours:6.1f} s ({ours_cpu:.1f} cpu)")
    print(f"the counter is {np.median(ratios):.2f} × as fast (median of {rounds} rounds)")


def rules() -> None:
    """Apply every picture rule to as many pictures as there are samples, all sizes different."""
    sizes = np.random.default_rng(1).integers(30, 4000, (SAMPLES, 2)).astype(np.float64)
    pictures = Pictures(np.arange(SAMPLES), sizes, SAMPLES)
    seconds = {name: timed(lambda name=name: pictures.tokens(find_rule(name)))[1] for name in rule_names()}  # type: ignore[misc]
    slowest = max(seconds, key=lambda name: seconds[name])
    print(f"{len(seconds)} picture rules on {SAMPLES:,} sizes: {sum(seconds.values()):.2f} s in all, slowest {slowest}")
    print(f"rule  goal ≤ {RULE_GOAL:g} s   {'met' if seconds[slowest] <= RULE_GOAL else 'MISSED'}")


def report() -> None:
    """Make the statistics and the figure."""
    rng = np.random.default_rng(2)
    text = rng.integers(5, 90, SAMPLES)
    samples = pd.DataFrame({"sample_id": np.arange(SAMPLES), "dataset": rng.integers(0, 14, SAMPLES).astype(str)})
    tokens_out = np.exp(rng.normal(3.5, 1.0, (SAMPLES, MODELS))).round().astype(np.float32)
    tokens_in = (text[:, None] + np.full((SAMPLES, MODELS), 256)).astype(np.float32)
    arrays = TokenArrays(tokens_in, tokens_out, text, samples, [f"model {k}" for k in range(MODELS)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.png"
        table = timed(lambda: token_table(arrays))[1]
        figure = TokenFigure(token_table(arrays), tokens_out, {}, "benchmark")
        drawn = [timed(lambda: draw_tokens(figure, path))[1] for _ in range(2)]
    print(f"statistics {table:.2f} s, figure {drawn[0]:.2f} s with the import of matplotlib, {drawn[1]:.2f} s without")
    print(f"report  goal ≤ {REPORT_GOAL:g} s   {'met' if table + drawn[0] <= REPORT_GOAL else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="tokens at the published size")
    parser.add_argument("--answers", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rules()
    report()
    counting(options.answers, options.rounds)


if __name__ == "__main__":
    main()
