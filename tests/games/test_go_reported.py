"""Games of Go that were reported to pgx because a move was judged wrongly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxenvs.games import Go

# https://github.com/sotetsuk/pgx/issues/468; 25 is a pass. Black was not allowed to play 21 then, as if it were a ko.
NO_KO = (
    [1, 16, 9, 11, 14, 6, 24, 4, 25, 17, 21, 18, 13, 23, 8, 0, 5, 25, 15, 19, 22, 25, 12, 10, 2, 25, 3, 20],
    21,
)

# https://github.com/sotetsuk/pgx/issues/1164. White's last move repeats the board of six moves before.
REPEATED = """
    300 60 288 72 97 67 63 81 40 59 41 61 58 42 77 102 84 83 64 65 111 46 54 73 53 71 74 263 282 262 298 52 93 315 296
    295 277 316 317 311 205 207 206 260 279 188 226 245 225 167 227 283 302 240 222 280 284 264 276 320 301 299 319 318
    337 336 338 294 147 335 238 221 200 183 166 163 127 255 217 249 160 125 310 291 309 330 268 250 290 272 215 197 216
    271 248 229 267 180 211 219 218 256 257 220 237 179 196 109 148 230 159 326 327 307 289 185 186 157 181 161 162 142
    199 203 143 126 210 209 124 122 212 155 172 153 134 135 152 173 154 305 324 153 190 228 154 168 149 153 275 274 154
    23 116 153 204 184 154 136 108 88 89 69 232 269 306 325 287 323 343 344 242 346 347 261 285 329 328 178 33 32 34 13
    86 87 85 342 66 47 48 68 29 45 324 247 304 343 175 270 286 348 156 137 138 119 158 139 176 266 345 138 177 21 39 22
    99 100 174 153 123 141 154 346 324 153 345 305
"""


def legal_along(game, moves):
    """(moves,) bool: whether each move was legal, and (actions,) bool: what is legal after all."""

    def play(position, action):
        return game.play(position, action), game.legal_actions(position)[action]

    position, legal = jax.jit(lambda actions: jax.lax.scan(play, game.start(), actions))(jnp.asarray(moves, jnp.int32))
    assert not position.is_over
    return np.asarray(legal), np.asarray(game.legal_actions(position))


@pytest.mark.parametrize("ko", ["simple", "positional", "situational"])
def test_a_point_that_is_no_ko_may_be_played(ko):
    moves, then = NO_KO
    legal, after = legal_along(Go(size=5, ko=ko), moves)
    assert legal.all() and after[then]


@pytest.mark.parametrize("ko", ["simple", "positional", pytest.param("situational", marks=pytest.mark.slow)])
def test_only_the_move_that_repeats_the_board_of_six_moves_before_is_illegal(ko):
    legal, _ = legal_along(Go(size=19, ko=ko), [int(move) for move in REPEATED.split()])
    assert len(legal) == 226 and legal[:-1].all()
    assert legal[-1] == (ko == "simple")
