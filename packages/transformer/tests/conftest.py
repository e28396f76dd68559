"""Where these tests find what they share: modules beside them, by their bare names."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
