"""Running policies in environments: `rollout`, `evaluate` and what they return.

At the top level `jaxenvs.rollout` is the function; import from here with `from jaxenvs.rollout import ...`.
"""

from jaxenvs.rollout.evaluate import Evaluation as Evaluation
from jaxenvs.rollout.evaluate import evaluate as evaluate
from jaxenvs.rollout.policy import Policy as Policy
from jaxenvs.rollout.policy import RandomPolicy as RandomPolicy
from jaxenvs.rollout.policy import as_policy as as_policy
from jaxenvs.rollout.rollout import Trajectory as Trajectory
from jaxenvs.rollout.rollout import rollout as rollout
