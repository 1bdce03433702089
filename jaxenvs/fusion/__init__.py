"""Fusion: any pure environment as one kernel; see `fuse`."""

from jaxenvs.fusion.fused import Explanation as Explanation
from jaxenvs.fusion.fused import Fused as Fused
from jaxenvs.fusion.fused import call as call
from jaxenvs.fusion.fused import explain as explain
from jaxenvs.fusion.fused import fuse as fuse
from jaxenvs.fusion.fused import scan as scan
from jaxenvs.fusion.layout import FEWEST_LANES as FEWEST_LANES
