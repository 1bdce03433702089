"""The environments of rlenvs, a suite for Torch7 by K. Arulkumaran and others (github.com/Kaixhin/rlenvs).

Environments of the same name elsewhere have other rules, so the ids are `rlenvs/<Name>-v0`, with the dynamics and
defaults of rlenvs. Its constructor options are fields here: `jaxenvs.make("rlenvs/WindyWorld-v0", king_moves=True)`.

In all of them, actions count from 0, as in the later versions of rlenvs. Cells (x, y) of grids count from 1, with y
pointing up. The base class of rlenvs ends every episode after 1,000 steps by default, and does not distinguish that
from an end of the task itself. Here that limit is a `TimeLimit`, which truncates.

The other environment of rlenvs, Atari, is available as `ALE/<Game>-v5` from `jaxenvs_ale_bridge`.
"""
