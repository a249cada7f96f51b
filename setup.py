"""Build with pip: runs this package's own CMakeLists.txt against the ros-* wheels from PyPI.

colcon does not read this file (the build type in package.xml is ament_cmake). Both ways build the
same CMakeLists.txt, so the messages, executables and shared files are the same.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.resolve()
PACKAGE = "lbp_rehab"
GENERATED = ("msg", "srv", "action")


def wheel_prefix():
    """Return the prefix (virtual environment or pip's build overlay) of the ros-* wheels."""
    for entry in map(Path, sys.path):
        if (entry / "rosidl_pycommon").is_dir():
            return entry.parents[2]
    raise SystemExit(
        "lbp_rehab: the ros-* wheels were not found; install requirements/ros.txt and "
        "requirements/build.txt first, or build on a ROS 2 machine with colcon"
    )


class CMakeBuild(build_ext):
    """Build the interfaces with CMake and hand the result to setuptools."""

    def run(self):
        tag = f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}"
        build = ROOT / "build" / tag
        stage = build / "stage"
        shutil.rmtree(stage, ignore_errors=True)
        prefix = wheel_prefix()
        # The tf2_msgs of a ROS machine is not on PyPI.
        self.cmake(ROOT / "cmake" / "tf2_msgs", build / "tf2_msgs", stage, prefix)
        self.cmake(ROOT, build / PACKAGE, stage, prefix)

        site = next(stage.glob("lib/python*/site-packages"))
        for leftover in [*site.glob("*.egg-info"), *site.rglob("__pycache__"), *site.rglob("*.c")]:
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        if self.editable_mode:
            # setuptools asks has_data() before it installs data files, a name nothing defines.
            self.distribution.has_data = lambda: True
            # Our own modules stay in the source tree; lbp_rehab/__init__.py joins the two.
            for own in (site / PACKAGE).iterdir():
                if own.name not in GENERATED and own.suffix != ".so":
                    shutil.rmtree(own) if own.is_dir() else own.unlink()
            self.ship(stage, site, Path(sysconfig.get_path("platlib")).relative_to(sys.prefix))
        else:
            shutil.copytree(site, self.build_lib, dirs_exist_ok=True)
        self.ship(stage, stage / "lib", Path("lib"), skip=site)
        self.ship(stage, stage / "share", Path("share"))

    def cmake(self, source, build, stage, prefix):
        environment = dict(os.environ, AMENT_PREFIX_PATH=str(prefix), CMAKE_PREFIX_PATH=str(prefix))
        ninja = ["-G", "Ninja"] if shutil.which("ninja") else []
        settings = {
            "CMAKE_INSTALL_PREFIX": stage,
            "BUILD_TESTING": "OFF",
            "CMAKE_BUILD_TYPE": "Release",
            "Python3_EXECUTABLE": sys.executable,
            "CMAKE_PROJECT_INCLUDE": ROOT / "cmake" / "wheel_fixups.cmake",
        }
        defines = [f"-D{name}={value}" for name, value in settings.items()]
        subprocess.check_call(
            ["cmake", "-S", str(source), "-B", str(build), "-Wno-dev", *ninja, *defines],
            env=environment,
        )
        jobs = str(os.cpu_count() or 1)
        subprocess.check_call(
            ["cmake", "--build", str(build), "--target", "install", "--parallel", jobs],
            env=environment,
        )

    def ship(self, stage, folder, target, skip=None):
        """Install every file under folder into <prefix>/target."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not (skip and path.is_relative_to(skip)):
                place = target / path.parent.relative_to(folder)
                self.distribution.data_files.append((str(place), [str(path.relative_to(ROOT))]))


setup(
    # Naming the root makes an editable install a plain .pth file, whose regular package wins over
    # the folder of generated code in site-packages; the default import hook would lose to it.
    package_dir={"": "."},
    packages=find_packages(include=[PACKAGE, PACKAGE + ".*"]),
    # An extension without sources makes the wheel a platform wheel and calls CMakeBuild.
    ext_modules=[Extension(PACKAGE + "._interfaces", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
    data_files=[],
    zip_safe=False,
)
