"""How much of the oracle's gain routers reach on the probes: docs/probes.md says what the figures mean.

    python benchmarks/probes.py [--router vlc,mlp] [--rule colour,word,both] [--seed 0] [--threads 2] [encoder=… …]

One line for each router and rule: the share as trained, with blank pictures, without pictures, and with prompts
shuffled among the test samples. Words of the form key=value change the training job's config.
"""

import argparse
import logging
import sys
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "routers"))

import probe_fits
import probes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--router", default="vlc", help="names, by commas")
    parser.add_argument("--rule", default=",".join(probes.RULES), help="names, by commas")
    parser.add_argument("--seed", type=int, default=0, help="seed of training; the probes stay the same")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("overrides", nargs="*", help="key=value")
    args = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(args.threads)
    made = probes.make_probes()
    for router in args.router.split(","):
        for rule in args.rule.split(","):
            measure(made[rule], router, f"seed={args.seed}", *args.overrides)


def measure(probe: probes.Probe, router: str, *overrides: str) -> None:
    run = probe_fits.fit_probe(probe, router, *overrides)
    others = {"blank": probe.blank(), "no pictures": probe.without_pictures(), "shuffled": probe.shuffled()}
    if "raw" not in run.fitted.router.inputs:  # features are made of pictures; there must be one
        del others["no pictures"]
    shown = "  ".join(f"{name} {run.gain(other).share:.3f}" for name, other in others.items())
    print(f"{router} {probe.rule}: {probe_fits.describe(run)}  {shown}", flush=True)


if __name__ == "__main__":
    main()
