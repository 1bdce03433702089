"""The environments of rlenvs, a suite for Torch7 by K. Arulkumaran and others (github.com/Kaixhin/rlenvs).

Their namesakes elsewhere have other rules, so the ids are `rlenvs/<Name>-v0`, with the dynamics and defaults of rlenvs.
What it takes as an option of the constructor is a field here: `jaxenvs.make("rlenvs/WindyWorld-v0", king_moves=True)`.

Shared by the family: actions count from 0, as in its later versions. Grids count their cells (x, y) from 1, with y up.
Its base class ends every episode after 1,000 steps, unless a task says otherwise, and does not tell that from an end of
the task itself; here that limit is a `TimeLimit`, and truncates.

Of the suite's other two, Atari is the ids `ALE/<Game>-v5` of `jaxenvs_ale_bridge`, and Minecraft is not there yet.
"""
