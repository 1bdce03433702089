"""A check of random keys: what the traced programs of `reset` and `step` draw, and from which keys.

The program is followed equation by equation. Each array of keys has an identity: splitting or folding gives a new one,
a slice has that of its place in the whole, and an operation that is not known here gives a new one. So what is found is
drawn twice from one key for certain, and a program that is too involved to follow is not accused.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax

from jaxenvs.core.trees import is_key_type
from jaxenvs.testing.subject import Fault, Subject

_DRAWS = ("random_bits", "random_split", "random_gamma")
"""The operations after which a key may not be used again."""
_VIEWS = ("squeeze", "reshape", "copy", "copy_p", "convert_element_type", "broadcast_in_dim", "sharding_constraint")
"""The operations that give the same keys in another shape."""
_LOOPS = ("scan", "while")


class _Keys:
    """What one value of the program is.

    Attributes:
        fixed: whether it is the same whatever `reset` was given. For keys only the key that it comes from counts: one
            that is folded with data is as fixed as the one before.
        given: whether it is a parameter of the environment, or comes from one: a key there may be drawn from again
            and again, for what belongs to the environment.
        parts: the identities of slices of it.
    """

    __slots__ = ("fixed", "given", "parts")

    def __init__(self, fixed: bool, given: bool = False) -> None:
        self.fixed, self.given = fixed, given
        self.parts: dict[Any, _Keys] = {}

    def part(self, place: Any) -> "_Keys":
        """The identity of a slice."""
        return self.parts.setdefault(place, self.derived())

    def derived(self) -> "_Keys":
        """The identity of keys that come from these."""
        return _Keys(self.fixed, self.given)


def keys_used_once(subject: Subject) -> None:
    """Every random number comes from the key of `reset`, and nothing is drawn from one key twice."""
    env = subject.env
    reset = jax.make_jaxpr(lambda env, key: env.reset(key))(env, subject.keys(0))
    step = jax.make_jaxpr(lambda env, state, action: env.step(state, action))(env, subject.state_shape, subject.action)
    drawn: set[_Keys] = set()
    parameters = [_Keys(False, given=True) for _ in jax.tree.leaves(env)]
    action = [_Keys(False) for _ in jax.tree.leaves(subject.action)]
    count = len(jax.tree.leaves(subject.state_shape))
    state = _follow(reset, [*parameters, _Keys(False)], drawn, _Call("reset"))[:count]
    for _ in range(2):
        state = _follow(step, [*parameters, *state, *action], drawn, _Call("step"))[:count]


class _Call(NamedTuple):
    """Where in the program an equation is.

    Attributes:
        name: "reset" or "step".
        equation: the call that contains the equation, if JAX may have traced what it calls for another one.
    """

    name: str
    equation: Any = None


def _check_draw(keys: _Keys, drawn: set[_Keys], equation: Any, call: _Call) -> None:
    """Raises `Fault` if `keys` are no keys to draw from."""
    place = _place(call.equation or equation)
    if keys.fixed:
        raise Fault(
            f"{call.name} draws from a key that is the same in every episode{place}",
            "Draw from the key that `reset` is given, or from one in the state. What shall be the same in every episode"
            " is computed once, with NumPy: `np.random.default_rng(0)`.",
        )
    if keys in drawn and not keys.given:
        raise Fault(
            f"{call.name} draws from a key that was drawn from before{place}, so the numbers are equal or related",
            "Split it first, `key, draw_key = jax.random.split(state.key)`: draw from `draw_key`, each number from a"
            " key of its own, and keep `key` in the new state.",
        )


def _place(equation: Any) -> str:
    """The line of the program that an equation comes from, as far as JAX tells."""
    inner = ("/jax/", "/jaxenvs/core/", "/jaxenvs/testing/", "/jaxenvs/wrappers/")
    for frame in getattr(equation.source_info.traceback, "frames", ()):
        if not any(part in frame.file_name.replace("\\", "/") for part in inner):
            return f", in line {frame.line_num} of {frame.file_name}"
    return ""


def _follow(program: Any, given: list[_Keys], drawn: set[_Keys], call: _Call) -> list[_Keys]:
    """Follows a program, and returns what its results are.

    Args:
        program: a jaxpr, open or closed.
        given: what its arguments are.
        drawn: the keys that were drawn from; more are added.
        call: where the program is called.
    """
    jaxpr = getattr(program, "jaxpr", program)
    known: dict[Any, _Keys] = dict(zip(jaxpr.invars, given, strict=True))
    known.update((constant, _Keys(True)) for constant in jaxpr.constvars)

    def read(atom: Any) -> _Keys:
        return _Keys(True) if hasattr(atom, "val") else known[atom]  # a literal, or a variable

    for equation in jaxpr.eqns:
        values = [read(atom) for atom in equation.invars]
        known.update(zip(equation.outvars, _results(equation, values, drawn, call), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _results(equation: Any, values: list[_Keys], drawn: set[_Keys], call: _Call) -> list[_Keys]:
    """What the results of one equation are."""
    name = equation.primitive.name
    if name in _DRAWS:
        _check_draw(values[0], drawn, equation, call)
        drawn.add(values[0])
        return [values[0].derived() for _ in equation.outvars]
    if name == "random_fold_in":
        return [values[0].derived()]
    if name in _VIEWS:
        return [values[0]]
    if name == "slice":
        return [values[0].part((equation.params["start_indices"], equation.params["limit_indices"]))]
    if programs := [part for part in _programs(equation) if _has_keys(part)]:
        if name == "cond":
            return _branches(programs, values[1:], drawn, call._replace(equation=None))
        if name in _LOOPS:
            return _loop(equation, values, drawn, call._replace(equation=None))
        if len(getattr(programs[0], "jaxpr", programs[0]).invars) == len(values):
            return _follow(programs[0], values, drawn, call._replace(equation=call.equation or equation))
    fixed = all(value.fixed for value in values) and not equation.effects
    given = name in ("random_seed", "random_wrap", "random_unwrap") and values[0].given
    return [_Keys(fixed, given) for _ in equation.outvars]


def _branches(programs: list[Any], values: list[_Keys], drawn: set[_Keys], call: _Call) -> list[_Keys]:
    """Follows each branch of a `lax.cond`, of which one runs."""
    before, results = set(drawn), []
    for program in programs:
        here = set(before)
        if len(getattr(program, "jaxpr", program).invars) == len(values):
            results.append(_follow(program, values, here, call))
        drawn.update(here)
    same = [all(part is parts[0] for part in parts) for parts in zip(*results, strict=True)]
    return [
        parts[0] if is_same else _Keys(all(part.fixed for part in parts))
        for is_same, parts in zip(same, zip(*results, strict=True))
    ]


def _loop(equation: Any, values: list[_Keys], drawn: set[_Keys], call: _Call) -> list[_Keys]:
    """Follows two rounds of a loop: the second draws again from whatever the first did not replace."""
    parameters = equation.params
    if equation.primitive.name == "while":
        first = parameters["cond_nconsts"]
        constants = values[first : first + parameters["body_nconsts"]]
        body, carry, rows = parameters["body_jaxpr"], values[first + parameters["body_nconsts"] :], []
        rounds = 2
    else:
        number, size = parameters["num_consts"], parameters["num_carry"]
        constants, carry, rows = values[:number], values[number : number + size], values[number + size :]
        body, rounds = parameters["jaxpr"], min(2, parameters["length"])
    size, last = len(carry), []
    for index in range(rounds):
        last = _follow(body, [*constants, *carry, *(row.part(("round", index)) for row in rows)], drawn, call)
        carry = last[:size]
    stacked = last[size:] or [_Keys(False) for _ in equation.outvars[size:]]
    return [*carry, *(_Keys(value.fixed) for value in stacked)]


def _programs(equation: Any) -> Iterable[Any]:
    """The programs that an equation calls."""
    for value in equation.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if hasattr(getattr(part, "jaxpr", part), "eqns"):
                yield part


def _is_key(value: Any) -> bool:
    return hasattr(value.aval, "dtype") and is_key_type(value.aval)  # a token has no dtype


def _has_keys(program: Any) -> bool:
    """Whether a program has keys among its arguments, or makes some."""
    jaxpr = getattr(program, "jaxpr", program)
    if any(_is_key(value) for value in (*jaxpr.invars, *jaxpr.constvars)):
        return True
    return any(
        equation.primitive.name in ("random_seed", "random_wrap") or any(map(_has_keys, _programs(equation)))
        for equation in jaxpr.eqns
    )
