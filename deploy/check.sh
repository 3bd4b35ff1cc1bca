#!/bin/sh
# The steps of deploy/Dockerfile without a container engine, in a virtual environment:
#   deploy/check.sh [PYTHON]      PYTHON: one in which the whole leadscore is installed (.venv/bin/python)
# Builds the wheels, installs leadscore-serve by its lock, compiles the kernels for a generic processor,
# and starts the service again with them: it must be ready within READY_S (3) seconds, compile nothing
# that is not there, and have nothing in it that only training needs. Checks the manifests with what
# is installed of kubectl, docker and systemd-analyze. Needs the package index, or a pip cache.
set -eu
cd "$(dirname "$0")/.."
whole=${1:-.venv/bin/python}
case $whole in /*) ;; *) whole=$PWD/$whole ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "== wheels"
"$whole" packaging/build.py "$work/wheels"
echo "== leadscore-serve alone, by requirements/serve.txt"
"$whole" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check --quiet"
$pip install --require-hashes -r requirements/serve.txt
$pip install --no-deps --no-index "$work"/wheels/leadscore_serve-*.whl
"$work/venv/bin/python" - <<'PYTHON'
from importlib.util import find_spec
found = [n for n in ("pandas", "pyarrow", "sklearn", "mlflow", "lightgbm", "training") if find_spec(n)]
raise SystemExit(f"not needed for serving, but installed: {found}" if found else 0)
PYTHON
echo "== kernels for a generic processor"
PYTHONPATH="$PWD:tests/support" "$whole" - "$work/sample" <<'PYTHON'
import sys
from pathlib import Path
from made_up_release import contents
from scoring.release.release import write_release
write_release(Path(sys.argv[1]), contents())
PYTHON
# As in a container: nothing of the caller's environment, and a working folder that is not the tree
cold() (
  cd "$work"
  env -i PATH="$work/venv/bin:/usr/bin:/bin" NUMBA_CACHE_DIR="$work/kernels" NUMBA_CPU_NAME=generic \
    OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 python "$bake" "$work/sample"
)
bake=$PWD/deploy/bake.py
mkdir "$work/kernels"
cold
kernels() { find "$work/kernels" -name '*.nbc' | wc -l; }
before=$(kernels)
echo "== start with these $before kernels"
said=$(cold)
echo "$said"
[ "$(kernels)" -eq "$before" ] || { echo "the second start compiled $(($(kernels) - before)) more"; exit 1; }
echo "$said" | awk -v most="${READY_S:-3}" '{ exit !($3 <= most) }' || { echo "ready too late"; exit 1; }

echo "== manifests"
if command -v kubectl > /dev/null; then kubectl kustomize deploy/kustomize/base > /dev/null && echo "kustomize: builds"
else echo "kustomize: not checked, no kubectl"; fi
if docker compose version > /dev/null 2>&1
then POSTGRES_PASSWORD=x docker compose -f deploy/compose.yaml config --quiet && echo "compose: valid"
else echo "compose: not checked, no docker compose"; fi
if command -v systemd-analyze > /dev/null; then
  mkdir "$work/units"
  for unit in deploy/leadscore.service deploy/retrain/leadscore-retrain.service deploy/retrain/leadscore-retrain.timer; do
    sed "s#/opt/leadscore/.venv#$work/venv#" "$unit" > "$work/units/${unit##*/}"
  done
  systemd-analyze verify --man=no "$work"/units/* && echo "units: valid"
else echo "units: not checked, no systemd-analyze"; fi
