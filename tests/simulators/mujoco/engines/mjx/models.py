"""Small models for the tests of the engine."""

CREATURE = """
<mujoco>
  <option timestep="0.004" integrator="{integrator}" solver="{solver}"/>
  <custom><numeric name="other" data="1 2 3"/></custom>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1" friction="0.9 0.1 0.1"/>
    <body name="torso" pos="0 0 0.45">
      <freejoint/>
      <geom type="capsule" size="0.08" fromto="-0.15 0 0 0.15 0 0"/>
      <body name="leg" pos="0.15 0 0">
        <joint name="hip" type="hinge" axis="0 1 0" range="-40 40" limited="true" damping="0.3" armature="0.01"/>
        <joint name="swing" type="hinge" axis="1 0 0" pos="0 0 0.02" damping="0.2" stiffness="2"/>
        <geom type="capsule" size="0.05" fromto="0 0 0 0.02 0 -0.34"/>
      </body>
      <body name="tail" pos="-0.2 0 0">
        <joint type="ball" damping="0.05" armature="0.005"/>
        <geom type="capsule" size="0.04" fromto="0 0 0 -0.2 0.05 -0.1"/>
        <body name="tip" pos="-0.2 0.05 -0.1" quat="0.9 0.1 0.2 0.3">
          <joint name="poke" type="slide" axis="0.3 0 1" range="-0.05 0.05" limited="true" damping="1"/>
          <geom type="sphere" size="0.06"/>
        </body>
      </body>
    </body>
  </worldbody>
  <tendon>
    <fixed name="rope" stiffness="3" damping="0.1">
      <joint joint="hip" coef="1"/><joint joint="swing" coef="-0.5"/>
    </fixed>
  </tendon>
  <actuator>
    <motor joint="hip" gear="3" ctrlrange="-1 1" ctrllimited="true"/>
    <motor joint="swing" gear="2" ctrlrange="-1 1" ctrllimited="true"/>
    <position joint="poke" kp="20" ctrlrange="-0.05 0.05" ctrllimited="true"/>
  </actuator>
</mujoco>
"""
"""Joints of all four kinds, a limit, a tendon, springs, and contacts of capsules and a sphere with the floor."""

PENDULUM = """
<mujoco>
  <option timestep="0.01" integrator="RK4"/>
  <worldbody>
    <body>
      <joint name="shoulder" type="hinge" axis="0 1 0" range="-170 170" limited="true" damping="0.1"/>
      <geom type="capsule" size="0.05" fromto="0 0 0 0 0 -0.5"/>
      <body pos="0 0 -0.5">
        <joint name="elbow" type="hinge" axis="0 1 0"/>
        <geom type="capsule" size="0.04" fromto="0 0 0 0 0 -0.4"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor joint="elbow" gear="2" ctrlrange="-1 1" ctrllimited="true"/></actuator>
</mujoco>
"""
"""Two links and no contact, but a limit: smooth while the limit is not reached."""

PAIR = """
<mujoco>
  <worldbody>
    <body><freejoint/><geom type="capsule" size="0.05 0.2"/></body>
    {other}
  </worldbody>
</mujoco>
"""
