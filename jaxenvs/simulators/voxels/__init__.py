"""A small world of cubes: blocks and their textures, light, a first-person picture, walking, and changing blocks.

Everything is a pure function of arrays. Coordinates are those of Minecraft, in blocks: x to the east, y up, z to the
south. Angles are in degrees: a yaw of 0 looks south, 90 west; a pitch of 90 would look straight down. A world is a grid
`blocks` of shape (x, z, y) uint8, whose lowest corner is the origin. Its lowest layer must be opaque and its highest
empty, and it is at most 32 blocks high, so that a column of blocks is one word of bits.

    blocks   the kinds of blocks, and what is known about each
    textures their faces, drawn here
    grid     reading and changing blocks, light that spreads from its sources
    camera   the picture that an eye sees, by casting rays
    body     a body that walks, jumps, falls and collides
"""
