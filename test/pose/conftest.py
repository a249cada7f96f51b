import sys
from pathlib import Path

# The rooms that tests of the support share.
sys.path.insert(0, str(Path(__file__).parent))
