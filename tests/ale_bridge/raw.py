"""The reference: ale-py's own interface, newly booted and without random numbers."""

import ale_py
import numpy as np
from ale_py import roms

ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


class RawGame:
    """A game of ale-py, newly booted."""

    def __init__(self, game, mode=None, difficulty=None, sound=False):
        self.ale = ale_py.ALEInterface()
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.setBool("sound_obs", sound)
        self.ale.loadROM(roms.get_rom_path(game))
        if mode is not None:
            self.ale.setMode(mode)
        if difficulty is not None:
            self.ale.setDifficulty(difficulty)
        self.ale.reset_game()

    def step(self, actions, strength=1.0):
        """Acts for some frames; the reward is their sum."""
        return sum(self.ale.act(int(action), strength) for action in actions)

    def facts(self):
        """The results of a step of the bridge other than the reward."""
        ale = self.ale
        return {
            "terminated": ale.game_over(),
            "lives": ale.lives(),
            "episode_frame_number": ale.getEpisodeFrameNumber(),
            "frame_number": ale.getFrameNumber(),
        }


def wandering_actions(rng, steps, lanes, choices):
    """(steps, lanes) int32 indices of actions, each held for some steps, which gets further than noise."""
    picked = rng.integers(choices, size=(-(-steps // 4), lanes))
    return np.repeat(picked, 4, axis=0)[:steps].astype(np.int32)
