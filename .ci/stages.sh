# shellcheck shell=bash
# The stages of .ci/run, in the order in which they run. Exit code 77: skipped, with a reason printed.

PRODUCT=(lerobot_drivers lerobot_teleop lerobot_recorder lerobot_policy)
CORE_TESTS=(test/drivers test/teleop test/recorder test/policy test/parity)
GATES=(test/test_layering.py test/test_size_budget.py test/test_package_xml.py
       test/test_launch_files.py test/test_config_files.py)
COLCON=(colcon-common-extensions catkin-pkg)

# On different Pythons where there are several: the oldest for the cores, 3.12 for Jazzy's wheels (and
# the tools), the newest for the README's commands, which take Kilted's wheels. The oracle needs 3.11.
stage_environments() {
  install_screens &
  make_oracle &
  make_venv core "$(find_python 3.10 3.11 3.12 3.13)" '.[test,display]'
  make_venv jazzy "$(find_python 3.12 3.11 3.13 3.10)" -e '.[ros-jazzy,test,display]' "${COLCON[@]}"
  wait
  local name
  for name in core jazzy; do echo "$name: $("$VENVS/$name/bin/python" -V)"; done
}

stage_static() {
  local rc=0
  "$VENVS/jazzy/bin/ruff" check --quiet --output-format concise . || rc=1
  "$VENVS/jazzy/bin/ruff" format --quiet --check . || rc=1
  # numpy's types differ before 2.3, the last for Python 3.10 is 2.2.
  if "$VENVS/jazzy/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    "$VENVS/jazzy/bin/mypy" "${PRODUCT[@]}" || rc=1
  else
    echo 'SKIPPED: mypy needs the types of a newer numpy than Python 3.10 has'
  fi
  return $rc
}

stage_gates() {
  run_pytest jazzy gates "${GATES[@]}" test/test_readme.py
}

# Without rclpy, and from the installed package: a file that is not packaged is missing here.
stage_core() {
  if "$VENVS/core/bin/python" -c 'import rclpy' 2>/dev/null; then
    echo 'rclpy can be imported in the environment that must not have it' >&2
    return 1
  fi
  "$VENVS/core/bin/python" -m pip install -q --no-deps --force-reinstall .
  (cd "$WORK" && "$VENVS/core/bin/python" "$ROOT/.ci/check_install.py" "$ROOT")
  run_pytest core core -n 2 -m 'not ros and not lerobot' "${CORE_TESTS[@]}"
}

# The README's second command runs these, and the cores again, with Kilted's wheels; what is long and
# knows nothing of a distribution runs only there.
stage_jazzy() {
  run_pytest jazzy jazzy -m ros test \
    --ignore=test/nodes/test_picture_time.py --ignore=test/nodes/test_record_upload.py
}

stage_colcon() {
  local base=$WORK/colcon
  export PATH=$VENVS/jazzy/bin:$PATH
  colcon --log-base "$base/log" build --packages-select lerobot_ros \
    --build-base "$base/build" --install-base "$base/install"
  "$VENVS/jazzy/bin/python" .ci/check_colcon.py "$base/install/lerobot_ros"
  limited colcon --log-base "$base/log" test --packages-select lerobot_ros --return-code-on-test-failure \
    --event-handlers console_direct+ --build-base "$base/build" --install-base "$base/install" \
    --pytest-args "${GATES[@]}"
  colcon test-result --test-result-base "$base/build" --verbose
}

# The README's commands, each in a copy of the tree of its own, as a reader would paste them.
stage_readme() {
  STAGE_LIMIT_S=1000
  export LEROBOT_ROS_RUN_README=1 LEROBOT_ROS_README_RESULTS=$WORK/results
  LEROBOT_ROS_README_PYTHON=$(find_python 3.13 3.12 3.11 3.10)
  export LEROBOT_ROS_README_PYTHON
  run_pytest core readme -s test/test_readme.py
}

# Real LeRobot, in the light environment that fits its 0.4.4: CPU torch, torchvision without its operators.
# Reachy's SDK, which clashes with our OpenCV, is here too.
stage_oracle() {
  if ! find_python 3.11 >/dev/null; then
    echo 'SKIPPED: the tests against real LeRobot need Python 3.11 (its CPU build of torch)'
    return 77
  fi
  make_oracle
  "$VENVS/oracle/bin/python" -m pip install -q --no-deps lerobot==0.4.4 torchvision==0.24.1 \
    reachy2-sdk==1.0.15 reachy2-sdk-api==1.0.21 -e .
  run_pytest oracle oracle -n 2 --dist loadfile -m lerobot test/compat
  run_pytest oracle reachy test/drivers/robots/test_reachy2_sim.py
}

# Begun beside the other environments; what builds this tree waits for them, it would share their folders.
make_oracle() {
  local python
  python=$(find_python 3.11 2>/dev/null) || return 0
  make_venv oracle "$python" -r test/compat/requirements.txt
}

stage_leftovers() { "$PYTHON" .ci/leftovers.py check "$WORK/before.json"; }
