"""Makes `toy_envs`, the environments that these tests share, importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
