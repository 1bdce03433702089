"""Jittable drawing: shapes, tiles and text on a canvas of pixels, without any graphics library."""

from jaxenvs.canvas import palette as palette
from jaxenvs.canvas.canvas import Canvas as Canvas
from jaxenvs.canvas.palette import Color as Color
from jaxenvs.canvas.tiles import paint_tiles as paint_tiles
from jaxenvs.canvas.view import View as View
