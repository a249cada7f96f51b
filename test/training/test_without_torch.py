import subprocess
import sys

import pytest

PROGRAM = """
import importlib, pkgutil, sys
class Hidden:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "torch":
            raise ImportError("hidden", name=name)
sys.meta_path.insert(0, Hidden())
import lbp_rehab
free = {"lbp_rehab.training.scenes", "lbp_rehab.training.dataset"}
for module in pkgutil.walk_packages(lbp_rehab.__path__, "lbp_rehab."):
    if module.name.startswith("lbp_rehab.training.") and module.name not in free:
        continue
    try:
        importlib.import_module(module.name)
    except ImportError as error:
        # Other optional parts, and what only a ROS machine has, may be missing.
        if (error.name or "").split(".")[0] == "torch":
            print(module.name)
"""


@pytest.mark.slow
def test_nothing_but_the_networks_training_needs_torch():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
