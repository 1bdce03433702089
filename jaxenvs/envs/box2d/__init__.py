"""Box2D: the tasks of Gymnasium that run on a rigid-body engine in the plane."""
