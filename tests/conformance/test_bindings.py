"""The copy of the contract's types that Python's SDK has for tests is what componentize-py makes of the contract."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def test_the_types_of_python_are_current(tmp_path):
    tool = shutil.which("componentize-py", path=str(pathlib.Path(sys.executable).parent)) or shutil.which("componentize-py")
    if tool is None:
        pytest.skip("componentize-py is not here")
    subprocess.run([tool, "-d", ROOT / "wit", "-w", "processor", "bindings", tmp_path / "made"], check=True)
    made = (tmp_path / "made/wit_world/imports/types.py").read_text()
    lines = [line.rstrip() for line in made.splitlines() if not line.startswith("from componentize_py_types")]
    assert (ROOT / "sdk/python/tidegate/_types.py").read_text().splitlines() == lines
