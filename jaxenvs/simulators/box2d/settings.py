"""Constants of Box2D 2.3 (`b2Settings.h`): metres, kilograms, seconds and radians, as float32."""

import numpy as np

F = np.float32

LINEAR_SLOP = F(0.005)
"""Penetration, and error of a joint, that the position solver leaves alone, m (`b2_linearSlop`)."""
POLYGON_RADIUS = F(2.0) * LINEAR_SLOP
"""Thickness of the skin around each shape, m (`b2_polygonRadius`)."""
TOTAL_RADIUS = POLYGON_RADIUS + POLYGON_RADIUS
"""Distance at which two skins touch, m."""
PI = F(3.14159265359)
ANGULAR_SLOP = F(2.0) / F(180.0) * PI
"""Error of a joint's limit that the position solver leaves alone, rad (`b2_angularSlop`)."""
MAX_LINEAR_CORRECTION = F(0.2)
MAX_ANGULAR_CORRECTION = F(8.0) / F(180.0) * PI
MAX_TRANSLATION = F(2.0)
"""Greatest distance that a body moves in a step, m (`b2_maxTranslation`)."""
MAX_ROTATION = F(0.5) * PI
"""Greatest angle that a body turns in a step, rad (`b2_maxRotation`)."""
BAUMGARTE = F(0.2)
"""Share of an error that a pass of the position solver removes (`b2_baumgarte`)."""
TOI_BAUMGARTE = F(0.75)
AABB_EXTENSION = F(0.1)
"""Margin of the boxes in the broad phase, m (`b2_aabbExtension`)."""
AABB_MULTIPLIER = F(2.0)
"""How far ahead a box reaches, in displacements of a step (`b2_aabbMultiplier`)."""
TIME_TO_SLEEP = F(0.5)
LINEAR_SLEEP_TOLERANCE = F(0.01)
ANGULAR_SLEEP_TOLERANCE = F(2.0) / F(180.0) * PI
MAX_CONDITION_NUMBER = F(1000.0)
"""Condition number above which the block solver leaves out the second point (`k_maxConditionNumber`)."""
MAX_SUB_STEPS = 8
"""Sub-steps of continuous collision that a contact takes part in (`b2_maxSubSteps`)."""
TOI_POSITION_ITERATIONS = 20
TOI_TARGET = max(LINEAR_SLOP, TOTAL_RADIUS - F(3.0) * LINEAR_SLOP)
"""Distance at which a time of impact lies, m (`target` in `b2TimeOfImpact`)."""
TOI_TOLERANCE = F(0.25) * LINEAR_SLOP
EPSILON = F(1.1920929e-07)
BLOCK = 4
"""Passes over the velocities between two tests whether they stop. It divides the number of all passes."""
