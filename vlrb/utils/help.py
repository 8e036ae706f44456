"""`--help`: what the script does, commands to try, and every option, read off the config folder."""

from pathlib import Path

TOPICS = {
    "train": "Train one router on a benchmark (built first if needed), compare it with the baselines, write plots.",
    "evaluate": "Evaluate trained routers from their run folders; one leaderboard over many runs.",
    "build_data": "Turn evaluation logs into a benchmark folder: matrices, tokens, costs, splits, checks, features.",
}
EXAMPLES = {
    "train": (
        ("python train.py", "the demo: build it, train an MLP router, leaderboard and plots"),
        ("python train.py router=knn lambda=0.5", "another router and trade-off (λ = 0 cares for accuracy alone)"),
        (
            "python train.py router=vlc lambda=0.5",
            "prompts and pictures read by a backbone that is trained with its router",
        ),
        ("python train.py router=vlc encoder=clip_tiny", "another backbone; encoder=lxmert_base starts from weights"),
        ("python train.py -m router=knn,linear,mlp lambda=0,0.5,1", "a sweep: nine runs, one leaderboard"),
        ("python train.py router.k=20 seed=1", "any value of the configuration"),
        (
            "python train.py dataset=vlmevalkit dataset.root=<dir> dataset.name=mine model_pool=discover pricing=flat",
            "your own VLMEvalKit logs",
        ),
        ("python train.py router=mlp --cfg job", "print the whole configuration and stop"),
    ),
    "evaluate": (
        ("python evaluate.py run=runs/demo/mlp/<run>", "decide again from a run folder and rewrite its report"),
        ("python evaluate.py runs=runs/demo/sweeps/<sweep>", "one leaderboard over a sweep"),
        ("python evaluate.py runs='runs/demo/*/*' out=report", "the same over a glob, written elsewhere"),
        ("python evaluate.py run=runs/demo/utility/<run> mu=0.3", "another trade-off from the same fit"),
        (
            "python evaluate.py run=runs/demo/utility/<run> budget=0.0002",
            "… or what dev chooses for that many USD a query",
        ),
        ("python evaluate.py run=runs/demo/mlp/<run> route=questions.csv", "which model should answer each question"),
        ("python evaluate.py run=runs/demo/mlp/<run> pricing=flat", "the same decisions under other prices"),
        ("python evaluate.py headroom=true dataset=demo", "is routing worth it here? asked of the logs, no training"),
        (
            "python evaluate.py headroom=true dataset=vlmevalkit dataset.root=<dir> dataset.name=mine "
            "model_pool=discover pricing=flat",
            "the same of your own logs",
        ),
    ),
    "build_data": (
        ("python build_data.py", "build the demo benchmark"),
        ("python build_data.py stages=[records,tokens,costs]", "only these parts"),
        ("python build_data.py pricing=flat", "other prices beside those that are there, in seconds"),
        ("python build_data.py dataset=vl_routerbench dataset.root=<archive>", "the published VL-RouterBench logs"),
        (
            "python build_data.py dataset=outcomes_table dataset.root=<csv> dataset.name=mine model_pool=discover "
            "pricing=recorded",
            "a table of outcomes that you already have",
        ),
        ("python build_data.py export=reference", "also write the files of the VL-RouterBench code"),
    ),
}
HIDDEN_GROUPS = ("hydra",)


def help_text(script: str, root: Path) -> str:
    """Return the help of one script.

    Args:
        script: train, evaluate or build_data.
        root: The project folder that holds `conf/` and `multirun_presets/`.
    """
    lines = [TOPICS[script], "", f"usage: python {script}.py [key=value …] [-m] [--cfg job] [--help]", "", "examples:"]
    for command, meaning in EXAMPLES[script]:
        lines += [f"  {command}", f"      {meaning}"]
    lines += ["", "groups (choose with group=option):"]
    lines += [f"  {name:<16} {', '.join(options)}" for name, options in config_groups(script, root / "conf")]
    if script == "train":
        presets = sorted(p.stem for p in (root / "multirun_presets" / "preset").glob("*.yaml"))
        lines += ["", f"presets (preset=name): {', '.join(presets) if presets else 'none yet'}"]
    lines += [
        "",
        f"root keys and their meaning: conf/{script}.yaml · every knob: --cfg job · a list after -m sweeps: key=a,b",
        "HYDRA_FULL_ERROR=1 shows the traceback of an error · --hydra-help explains Hydra's own flags",
    ]
    return "\n".join(lines)


def config_groups(script: str, conf: Path) -> list[tuple[str, list[str]]]:
    """Return (group, options) for every group in the script's defaults list, subgroups after their group."""
    import yaml

    defaults = yaml.safe_load((conf / f"{script}.yaml").read_text(encoding="utf-8"))["defaults"]
    used = [next(iter(d)) for d in defaults if isinstance(d, dict)]
    groups: list[tuple[str, list[str]]] = []
    for group in used:
        folder = conf / group
        if group in HIDDEN_GROUPS or not folder.is_dir():
            continue
        groups.append((group, sorted(p.stem for p in folder.glob("*.yaml"))))
        subfolders = sorted(p for p in folder.iterdir() if p.is_dir())
        groups += [(f"{group}.{sub.name}", sorted(p.stem for p in sub.glob("*.yaml"))) for sub in subfolders]
    return groups
