#!/usr/bin/env bash
# Everything we want to know of a GPU, in one go: throughput, a sweep with four trials on one GPU, what an
# evaluation costs. Usage: benchmarks/gpu.sh OUTPUT_FOLDER
set -u
out=${1:?usage: benchmarks/gpu.sh OUTPUT_FOLDER}
python=${PYTHON:-python3}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
"$python" benchmarks/throughput.py --device cuda --count 2000 --rounds 5 --seconds 3 --out "$out/throughput-cuda.json"
"$python" -m pytest tests -q -m gpu -p no:cacheprovider 2>&1 | tail -15
start=$(date +%s)
"$python" -m sweep run benchmarks/gpu_sweep.yaml --storage "$out/runs"
echo "the sweep took $(($(date +%s) - start)) s"
"$python" - "$out/runs/gpu" <<'PY'
import sys
import pyarrow.parquet as pq
table = pq.read_table(sys.argv[1] + "/trials").to_pandas()
print(table[["trial", "status", "verdict", "kimg", "best_value", "seconds_train", "seconds_eval", "device"]].to_string())
share = table.seconds_eval.sum() / (table.seconds_eval.sum() + table.seconds_train.sum())
print(f"evaluation took {share:.1%} of the trials' time; {table.kimg.sum() * 1000 / table.seconds_train.sum():.0f} images a second and trial")
PY
