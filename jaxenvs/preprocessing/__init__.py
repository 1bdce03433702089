"""Environments as they are usually trained: the wrappers that belong to a task, in one call.

`EnvSpec.training_entry_point` names the function of an id. That of Atari is `jaxenvs_ale_bridge.make_atari`.
"""

from jaxenvs.preprocessing.car_racing import make_car_racing as make_car_racing
