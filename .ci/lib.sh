# shellcheck shell=bash
# How stages run: timing, time limits, Pythons, virtual environments, the closing line.

export CI=true PYTHONUNBUFFERED=1 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1
export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST HF_HUB_OFFLINE=1
unset RMW_IMPLEMENTATION PYTHONPATH VIRTUAL_ENV AMENT_PREFIX_PATH

ROOT=$PWD
VENVS=$ROOT/.venvs
STAGE_LIMIT_S=900
REPORT=()
FAILED=0

prepare_run() {
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  mkdir -p "$VENVS" "$WORK/results"
  # Every process of this run inherits the mark; .ci/leftovers.py finds what outlives it.
  export LEROBOT_ROS_CI_RUN="$$-$(basename "$WORK")"
  install_system_packages
  PYTHON=$(find_python 3.11 3.12 3.13 3.10)
  "$PYTHON" .ci/leftovers.py note "$WORK/before.json"
}

all_stages() { declare -F | sed -n 's/^declare -f stage_//p' | tr '\n' ' '; }

# Run one stage in a shell of its own; a failure is noted and the next stage runs all the same.
run_stage() {
  local begin=$SECONDS rc=0 outcome=ok
  printf '\n=== %s ===\n' "$1"
  set +e
  (set -euo pipefail; "stage_$1") </dev/null
  rc=$?
  set -e
  if [ $rc -eq 77 ]; then outcome=skipped; elif [ $rc -ne 0 ]; then outcome=FAILED FAILED=1; fi
  REPORT+=("$(printf '%-14s %-8s %4d s' "$1" "$outcome" $((SECONDS - begin)))")
  echo "=== ${REPORT[-1]}"
}

summary() {
  printf '\n=== stages ===\n'
  printf '%s\n' "${REPORT[@]}" "$(printf '%-14s %-8s %4d s' total '' $SECONDS)"
  "$PYTHON" .ci/count_tests.py "$WORK/results" || FAILED=1
  exit $FAILED
}

# Print the first of the wanted Python versions that really runs here.
find_python() {
  local version candidate
  for version in "$@"; do
    for candidate in "python$version" "$HOME"/.pyenv/versions/"$version".*/bin/python3 /usr/bin/"python$version" python3; do
      if "$candidate" -c "import sys, venv, ensurepip; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        return
      fi
    done
  done
  echo "none of Python $* is here (with its venv module)" >&2
  return 1
}

install_system_packages() {
  find_python 3.10 3.11 3.12 3.13 >/dev/null 2>&1 && return
  command -v apt-get >/dev/null || return 0
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq python3 python3-venv </dev/null
}

# The dashboard's tests drive a real browser, those of keys an X server, those of pictures with physics
# draw off screen; where there is none they are skipped, aloud.
install_screens() {
  command -v chromium >/dev/null && command -v Xvfb >/dev/null && has_library libOSMesa && return 0
  command -v apt-get >/dev/null || return 0
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq \
    --no-install-recommends chromium xvfb libosmesa6 </dev/null; } >/dev/null 2>&1 ||
    echo 'not all of Chromium, Xvfb and OSMesa could be installed'
}

has_library() { ldconfig -p | grep -q "$1"; }

# make_venv NAME PYTHON PIP-ARGUMENTS...: reused while Python, arguments and setup.py stay the same.
make_venv() {
  local venv=$VENVS/$1 python=$2 stamp
  shift 2
  stamp="$("$python" -VV) $* $(cat setup.py test/compat/requirements.txt | sha256sum)"
  [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$stamp" ] && return
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install -q --no-compile --upgrade pip
  "$venv/bin/python" -m pip install -q --no-compile "$@"
  echo "$stamp" >"$venv/.stamp"
}

has_venv() { [ -f "$VENVS/$1/.stamp" ]; }

# run_pytest VENV RESULT PYTEST-ARGUMENTS...
run_pytest() {
  local python=$VENVS/$1/bin/python result=$WORK/results/$2.xml
  shift 2
  limited "$python" -m pytest -q --junit-xml="$result" "$@"
}

# The outer limit: a test that hangs in a C library is beyond pytest's own.
limited() { timeout --kill-after=10 "$STAGE_LIMIT_S" "$@"; }
