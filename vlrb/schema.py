"""The one vocabulary of column names, file names and constants, used by every layer.

Terms (never mixed): *sample* = pictures + prompt (N of them); *model* = a candidate VLM of the pool (M of them);
*quality* Y in [0, 1]; *cost* C in USD per query; *router* = the thing that chooses; *score* = a router's (N, M) output,
higher = choose; *decision* = the chosen column; *split group* = samples that must stay on one side of a split.
"""

from typing import Final, Literal

SCHEMA_VERSION: Final = 1

# --- samples.parquet ------------------------------------------------------------------------------------------------
SAMPLE_ID: Final = "sample_id"  # "<dataset>/<index>"
DATASET: Final = "dataset"  # canonical dataset name, e.g. "MMBench_DEV_EN_V11"
GROUP: Final = "group"  # reporting group of the dataset, e.g. "General", "STEM", "Charts & OCR"
TASK: Final = "task"  # kind of question: vqa_mc, vqa_oe, math, ocr_qa, yes_no
QUESTION: Final = "question"  # the question as the log has it
PROMPT: Final = "prompt"  # canonical prompt: hint, question, options (never an answer)
SUFFIX: Final = "suffix"  # fixed instruction the evaluation kit appends to the prompt ("" if none)
IMAGES: Final = "images"  # list of picture references, see PICTURE_FIELDS
SPLIT_KEY: Final = "split_key"  # declared key of related samples ("" if none)
SAMPLE_COLUMNS: Final = (SAMPLE_ID, DATASET, GROUP, TASK, QUESTION, PROMPT, SUFFIX, IMAGES, SPLIT_KEY)
GIVEN_SPLIT: Final = "given_split"  # optional column: the side that came with the data, as written ("" if none)

# One picture reference (struct fields of IMAGES). The bytes lie in `path` (POSIX, relative to the dataset root) from
# `offset` for `length` bytes; encoding is "base64" (a cell of a TSV file) or "file" (the whole file, offset 0).
PICTURE_FIELDS: Final = ("path", "offset", "length", "encoding", "width", "height", "content_hash")

# --- records.parquet ------------------------------------------------------------------------------------------------
MODEL_ID: Final = "model_id"
QUALITY: Final = "quality"  # float32 in [0, 1]; NaN = unknown
GRADED_BY: Final = "graded_by"  # which rule or judge gave the grade
SOURCE: Final = "source"  # log file, POSIX path relative to the dataset root
FLAGS: Final = "flags"  # ";"-joined words of FLAG_WORDS ("" if none)
FLAG_WORDS: Final = ("truncated", "failed", "stale", "missing_prediction", "ungraded")
RECORD_COLUMNS: Final = (SAMPLE_ID, MODEL_ID, QUALITY, GRADED_BY, SOURCE, FLAGS)
RUN: Final = "run"  # which run of the model the record is of ("" if the source tells none apart); optional
PREDICTION: Final = "prediction"  # predictions.parquet: sample_id, model_id, prediction
# Optional columns of what a source read: figures that came with the data, float, NaN = not recorded.
RECORDED_COST: Final = "recorded_cost"  # USD per query
RECORDED_TOKENS_IN: Final = "recorded_tokens_in"
RECORDED_TOKENS_OUT: Final = "recorded_tokens_out"

# --- splits ---------------------------------------------------------------------------------------------------------
SPLIT: Final = "split"
SPLIT_GROUP: Final = "split_group"
TRAIN: Final = "train"
DEV: Final = "dev"
TEST: Final = "test"
SPLITS: Final = (TRAIN, DEV, TEST)
UNUSED: Final = "unused"  # in no split: related to test samples of a held-out dataset
SplitName = Literal["train", "dev", "test"]

# --- decisions.parquet ----------------------------------------------------------------------------------------------
COST: Final = "cost"
TOKENS: Final = "tokens"
SCORE_PREFIX: Final = "score/"

# --- files of a benchmark folder ------------------------------------------------------------------------------------
MANIFEST_FILE: Final = "manifest.json"
SAMPLES_FILE: Final = "samples.parquet"
RECORDS_FILE: Final = "records.parquet"
PREDICTIONS_FILE: Final = "predictions.parquet"
REPLICATES_FILE: Final = "replicates.parquet"  # records of other runs; only if there are any
MODELS_FILE: Final = "models.json"
QUALITY_FILE: Final = "Y.npy"
TOKENS_IN_FILE: Final = "tokens_in.npy"
TOKENS_OUT_FILE: Final = "tokens_out.npy"
RECORDED_FILES: Final = {  # N × M matrices, there only if the source recorded such figures
    RECORDED_COST: "recorded_cost.npy",
    RECORDED_TOKENS_IN: "recorded_tokens_in.npy",
    RECORDED_TOKENS_OUT: "recorded_tokens_out.npy",
}
PICTURES_FILE: Final = "pictures.parquet"
SAME_PICTURES_FILE: Final = "same_pictures.parquet"  # pairs of content hashes of pictures that show the same
SAMPLE_TOKENS_FILE: Final = "sample_tokens.parquet"
COST_FILE: Final = "C.npy"
PRICES_FILE: Final = "prices.yaml"
BOUNDS_FILE: Final = "cost_bounds.json"
MODEL_TABLE_FILE: Final = "models.csv"
BUDGET_TABLE_FILE: Final = "budgets.csv"
COSTS_FOLDER: Final = "costs"
SPLITS_FOLDER: Final = "splits"
FEATURES_FOLDER: Final = "features"
REPORTS_FOLDER: Final = "reports"
TRUTH_FILE: Final = "truth.parquet"  # synthetic data only; lies outside the logs, read by report code alone

# --- files of a run folder ------------------------------------------------------------------------------------------
CONFIG_FILE: Final = "config.yaml"
DONE_FILE: Final = "DONE"
CHECKPOINT_FILE: Final = "last.ckpt"  # of a long training: what it was after its last finished epoch; gone once DONE
FAILED_FILE: Final = "FAILED"
METRICS_FILE: Final = "metrics.json"
DECISIONS_FILE: Final = "decisions.parquet"
REFERENCES_FILE: Final = "references.parquet"
DATA_FILE: Final = "data.json"  # which data the run saw: fingerprints, bounds, models, where it lies
INPUTS_FILE: Final = "inputs.json"  # end-to-end runs: prompts cut off, samples without pictures, unreadable pictures
SPEC_FILE: Final = "data_spec.json"  # what the router knows about its data, needed to load its weights
WEIGHTS_FILE: Final = "router.safetensors"
VERSIONS_FILE: Final = "versions.json"
LOG_FILE: Final = "run.log"
OPERATING_POINTS_FILE: Final = "operating_points.json"  # what the router reaches on dev at each μ, if it can choose
SWEEP_FILE: Final = "sweep.json"

# --- constants of the task ------------------------------------------------------------------------------------------
CORRECT_THRESHOLD: Final = 0.5  # tau: y = 1[Y >= tau], the one definition of "correct"
RANK_SCORE_BETA: Final = 0.1
TOKENS_PER_PRICE_UNIT: Final = 1_000_000  # price lists quote USD per million tokens

BuildStage = Literal["records", "tokens", "costs", "splits", "validate", "features"]
BUILD_STAGES: Final = ("records", "tokens", "costs", "splits", "validate", "features")
