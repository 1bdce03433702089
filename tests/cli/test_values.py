"""`name=value` texts become fields of the right type, or an error that says what is valid."""

import dataclasses
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from jax.typing import ArrayLike

from jaxenvs.cli.values import build_values, read_assignments
from jaxenvs.errors import InvalidField
from jaxenvs.monitor.run_folder.settings import jsonable


@dataclasses.dataclass
class Fields:
    gravity: ArrayLike = 9.8
    lanes: ArrayLike = 3
    size: int = 4
    rate: float = 0.5
    slippery: bool = True
    mode: Literal["euler", "exact"] = "euler"
    name_of_map: str = "4x4"
    limit: int | None = None
    desc: tuple[str, ...] | None = None
    hidden_sizes: tuple[int, ...] = (64, 64)
    function: Callable[[float], float] = abs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("gravity=1.6", 1.6),
        ("gravity=-1e3", -1000.0),
        ("gravity=inf", np.inf),
        ("lanes=5", 5),
        ("size=1e6", 1_000_000),
        ("rate=2", 2.0),
        ("slippery=no", False),
        ("slippery=TRUE", True),
        ("mode=exact", "exact"),
        ("name-of-map=8", "8"),
        ("limit=none", None),
        ("limit=12", 12),
        ("desc=SFG,HHG", ("SFG", "HHG")),
        ("desc=none", None),
        ("hidden_sizes=[32, 16]", (32, 16)),
        ("hidden_sizes=32", (32,)),
    ],
)
def test_text_becomes_a_value_of_the_fields_type(text, value):
    built = build_values(Fields, read_assignments("Env", Fields, [text]))
    (result,) = built.values()
    assert result == value and type(result) is type(value)


def test_list_of_numbers_becomes_an_array():
    built = build_values(Fields, read_assignments("Env", Fields, ["gravity=[1, 2.5]"]))
    assert built["gravity"].dtype == np.float32
    np.testing.assert_array_equal(built["gravity"], np.asarray([1, 2.5], np.float32))


def test_values_survive_json_even_where_json_has_no_number_for_them():
    read = read_assignments("Env", Fields, ["gravity=inf", "hidden_sizes=3,4", "rate=-inf"])
    stored = {name: jsonable(value) for name, value in read.items()}
    assert build_values(Fields, stored) == {"gravity": np.inf, "hidden_sizes": (3, 4), "rate": -np.inf}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gravity", "write name=value, such as gravity=1"),
        ("=3", "write name=value"),
        ("gravty=3", r"Env has no field `gravty`. Did you mean: `gravity`\? Its fields are: gravity, lanes"),
        ("gravity=heavy", "`gravity` cannot be set to `heavy`: it must be a number"),
        ("size=1.5", "`size` cannot be set to `1.5`: it must be a whole number"),
        ("size=big", "`size` cannot be set to `big`: it must be a whole number"),
        ("rate=", "`rate` cannot be set to ``"),
        ("slippery=maybe", "it must be true or false"),
        ("mode=fast", "`mode` must be one of euler, exact; got `fast`"),
        ("hidden_sizes=[3,", "`hidden_sizes` cannot be set"),
        ("function=abs", "cannot be set from the command line"),
    ],
)
def test_wrong_text_says_what_would_be_right(text, message):
    with pytest.raises(InvalidField, match=message):
        read_assignments("Env", Fields, [text])
