import sys
from pathlib import Path

# The repetition that the tests of matching share, and the person that those of recognition have.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "recognition")]
