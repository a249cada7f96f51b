import sys
from pathlib import Path

# Cases must be importable by the worker processes too, which get this path.
sys.path.insert(0, str(Path(__file__).parent))
