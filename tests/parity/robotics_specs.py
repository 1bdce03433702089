"""What gymnasium-robotics registers with Gymnasium, taken out of its registry again, which others compare with ours."""

import warnings

import pytest

gymnasium = pytest.importorskip("gymnasium")
pytest.importorskip("mujoco", reason="needs the extra `robotics`")
_known = dict(gymnasium.registry)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("gymnasium_robotics", reason="needs the extra `robotics`")
SPECS = dict(gymnasium.registry)
"""The specs by id. The import registers only the first time, so tests read them here."""
gymnasium.registry.clear()
gymnasium.registry.update(_known)
