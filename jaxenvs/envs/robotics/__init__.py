"""Tasks with goals of gymnasium-robotics: the Fetch robot, and the mazes of a ball and an ant."""
