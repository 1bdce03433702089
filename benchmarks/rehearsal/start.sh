#!/usr/bin/env bash
# Rehearses on a machine with an accelerator and no package registry: installs the wheels beside this file, if there
# are any, into a folder of their own, and runs everything. Usage: start.sh OUT [further arguments]
set -euo pipefail
out=$(realpath -m "${1:?name the folder to write to}")
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}

site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
if compgen -G "$here/wheels/*.whl" >/dev/null; then
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --upgrade \
        --target "$site" "$here"/wheels/*.whl
fi
export PYTHONPATH="$root:$site${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
export MUJOCO_GL=${MUJOCO_GL:-egl}
cd "$root"
"$python" -m benchmarks.rehearsal --out "$out" "$@"
