import sys
from pathlib import Path

# The trunk of known shape that several tests look at.
sys.path.insert(0, str(Path(__file__).parent))
