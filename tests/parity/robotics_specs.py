"""What gymnasium-robotics registers with Gymnasium, taken out of its registry again, which others compare with ours."""

import ast
import inspect
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


class _WithoutAssertions(ast.NodeTransformer):
    """Leaves assertions out, as `python -O` does."""

    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)


def leave_out_wrong_assertions(monkeypatch):
    """gymnasium-robotics 1.4.2 asserts wrongly with mujoco 4.0 (`int in (enum, enum)`), and computes rightly."""
    from gymnasium_robotics.utils import mujoco_utils

    for name in ("set_joint_qpos", "get_joint_qpos", "get_joint_qvel"):
        source = inspect.getsource(getattr(mujoco_utils, name))
        tree = ast.fix_missing_locations(_WithoutAssertions().visit(ast.parse(source)))
        names = dict(vars(mujoco_utils))
        exec(compile(tree, mujoco_utils.__file__, "exec"), names)
        monkeypatch.setattr(mujoco_utils, name, names[name])
