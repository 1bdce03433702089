"""Running policies in environments: `rollout`, `evaluate` and what they return."""

from jaxenvs.rollouts.endings import Endings as Endings
from jaxenvs.rollouts.endings import Outcome as Outcome
from jaxenvs.rollouts.endings import outcome as outcome
from jaxenvs.rollouts.evaluate import Evaluation as Evaluation
from jaxenvs.rollouts.evaluate import evaluate as evaluate
from jaxenvs.rollouts.policy import Policy as Policy
from jaxenvs.rollouts.policy import RandomPolicy as RandomPolicy
from jaxenvs.rollouts.policy import as_policy as as_policy
from jaxenvs.rollouts.rollout import Trajectory as Trajectory
from jaxenvs.rollouts.rollout import rollout as rollout
