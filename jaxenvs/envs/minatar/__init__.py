"""The games of MinAtar: Atari on a grid of 10 by 10, with one channel for each kind of object."""
