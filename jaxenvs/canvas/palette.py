"""The colours of the suite: one light, colour-blind-safe palette, so that all pictures look alike.

The hues stay distinct under the three common forms of colour blindness because they also differ in lightness.
Each is (red, green, blue), 0 to 255.
"""

from typing import TypeAlias

Color: TypeAlias = tuple[int, int, int]
"""(red, green, blue), 0 to 255."""

# Backgrounds and neutrals, from light to dark.
PAPER: Color = (250, 248, 243)
WHITE: Color = (255, 255, 255)
MIST: Color = (233, 236, 239)
SILVER: Color = (198, 205, 212)
STEEL: Color = (134, 146, 158)
SLATE: Color = (74, 88, 104)
INK: Color = (33, 43, 54)
BLACK: Color = (0, 0, 0)

# Hues, each with a light and a dark variant.
BLUE: Color = (43, 108, 176)
BLUE_LIGHT: Color = (168, 205, 238)
BLUE_DARK: Color = (24, 66, 117)
ORANGE: Color = (230, 126, 34)
ORANGE_LIGHT: Color = (250, 205, 152)
ORANGE_DARK: Color = (171, 84, 14)
TEAL: Color = (22, 148, 134)
TEAL_LIGHT: Color = (163, 221, 211)
TEAL_DARK: Color = (11, 92, 84)
RED: Color = (201, 62, 72)
RED_LIGHT: Color = (244, 178, 178)
RED_DARK: Color = (132, 32, 45)
YELLOW: Color = (242, 193, 46)
YELLOW_LIGHT: Color = (252, 231, 164)
YELLOW_DARK: Color = (176, 132, 16)
PURPLE: Color = (126, 87, 168)
PURPLE_LIGHT: Color = (209, 190, 230)
PURPLE_DARK: Color = (78, 48, 112)

# Objects that many pictures show.
SKY: Color = (221, 236, 247)
GRASS: Color = (139, 178, 120)
GRASS_DARK: Color = (94, 138, 84)
EARTH: Color = (147, 112, 82)
SAND: Color = (235, 217, 180)
ICE: Color = (208, 230, 243)
WATER: Color = (90, 158, 205)
WOOD: Color = (186, 140, 92)
WOOD_DARK: Color = (128, 91, 55)
