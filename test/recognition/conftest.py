import sys
from pathlib import Path

# The person that the tests of recognition share.
sys.path.insert(0, str(Path(__file__).parent))
