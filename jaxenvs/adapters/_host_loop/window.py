"""A window that shows pictures, through pygame."""

from typing import Any

import numpy as np

from jaxenvs.errors import DependencyNotInstalled


class Window:
    """A window that opens with the first picture.

    Attributes:
        frames_per_second: the rate at which `show` displays pictures.
    """

    def __init__(self, title: str, frames_per_second: int) -> None:
        """Args: the title of the window and its frame rate. The window does not open yet.

        Raises:
            DependencyNotInstalled: pygame is missing.
        """
        try:
            import pygame
        except ModuleNotFoundError as error:
            raise DependencyNotInstalled('pygame is not installed, run `pip install "jaxenvs[human]"`.') from error
        self._pygame = pygame
        self._title = title
        self._surface: Any = None
        self.frames_per_second = frames_per_second

    def show(self, picture: np.ndarray) -> None:
        """Shows a (height, width, 3) uint8 picture, and waits until the next one is due."""
        pygame = self._pygame
        size = picture.shape[1], picture.shape[0]
        if self._surface is None or self._surface.get_size() != size:
            pygame.display.init()
            pygame.display.set_caption(self._title)
            self._surface = pygame.display.set_mode(size)
            self._clock = pygame.time.Clock()
        self._surface.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(self.frames_per_second)

    def close(self) -> None:
        """Closes the window, if one is open."""
        if self._surface is not None:
            self._surface = None
            self._pygame.display.quit()
