"""Rigid bodies in the plane as pure functions: Box2D 2.3 for a few joined bodies above a static ground.

`step` takes a `Model`, which never changes, and a `World`, a pytree, to the world a time step later. It follows Box2D
through contacts, continuous collision and sleep, so that single steps agree to rounding.
"""

from jaxenvs.simulators.box2d.island import Drive as Drive
from jaxenvs.simulators.box2d.island import Solver as Solver
from jaxenvs.simulators.box2d.model import Body as Body
from jaxenvs.simulators.box2d.model import Model as Model
from jaxenvs.simulators.box2d.model import RevoluteJoint as RevoluteJoint
from jaxenvs.simulators.box2d.shapes import box as box
from jaxenvs.simulators.box2d.shapes import polygon as polygon
from jaxenvs.simulators.box2d.step import step as step
from jaxenvs.simulators.box2d.world import World as World
from jaxenvs.simulators.box2d.world import origins as origins
from jaxenvs.simulators.box2d.world import with_impulse as with_impulse
from jaxenvs.simulators.box2d.world import world_at_rest as world_at_rest
