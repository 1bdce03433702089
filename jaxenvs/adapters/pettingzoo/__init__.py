"""PettingZoo: games between two players behind its interfaces."""

import pettingzoo as pettingzoo  # first, so that it is named if it is missing, rather than Gymnasium, which it needs
