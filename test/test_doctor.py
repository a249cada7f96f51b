import subprocess
import sys

import pytest

from lbp_rehab.commands import doctor
from lbp_rehab.paths import resource_dir


def check(part):
    return doctor._guarded(part, doctor.CHECKS[part])


def test_the_trained_networks_load():
    found = check("trained networks")
    assert found.state == doctor.OK, found.detail
    assert "lifter.onnx" in found.detail
    assert "pelvis.onnx" in found.detail


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_network_that_is_gone_or_damaged_is_found(tmp_path, monkeypatch, harm):
    models = tmp_path / "models"
    models.mkdir()
    for path in (resource_dir() / "models").glob("*.onnx"):
        (models / path.name).symlink_to(path)
    (models / "pelvis.onnx").unlink()
    if harm == "damaged":
        (models / "pelvis.onnx").write_bytes(b"no network")
    for module in ("pose.lift", "pelvis.head"):
        monkeypatch.setattr(f"lbp_rehab.{module}.resource_dir", lambda: tmp_path)
    found = check("trained networks")
    assert found.state == doctor.BROKEN
    assert "pelvis.onnx" in found.detail
    assert "\n" not in found.detail


def test_without_onnxruntime_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = check("trained networks")
    assert found.state == doctor.BROKEN
    assert "pip install onnxruntime" in found.detail


def test_the_command_line_starts_without_the_networks():
    code = (
        "import sys; from lbp_rehab import cli; cli.parser(); "
        "print([m for m in ('onnxruntime', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
