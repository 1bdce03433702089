"""What stands before the colon of `module:id`, and files in place of modules."""

import pytest

import jaxenvs
from jaxenvs.errors import NameNotFound, RegistrationError


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("own.py:Mine-v0", r"`own\.py` is a file.*the name of a module.*: `own:Mine-v0`\."),
        ("./envs/own.py:Mine-v0", r"`\./envs/own\.py` is a file.*: `own:Mine-v0`\."),
        ("C:\\envs\\own.py:Mine-v0", r"`C:\\envs\\own\.py` is a file.*: `own:Mine-v0`\."),
        ("C:/envs/own.py:Mine-v0", r"`C:/envs/own\.py` is a file.*: `own:Mine-v0`\."),
        (":Mine-v0", "does not name a module before the colon"),
        (".own:Mine-v0", "does not name a module before the colon"),
    ],
)
def test_what_is_no_module_before_a_colon_says_what_belongs_there(id, message):
    with pytest.raises(RegistrationError, match=message):
        jaxenvs.make(id)


def test_a_class_that_its_module_did_not_register_says_how_to():
    with pytest.raises(NameNotFound, match=r'has no id\. Write into.*`jaxenvs\.register\("CartPole-v0", CartPole\)`'):
        jaxenvs.make("jaxenvs.envs.classic_control.cart_pole:CartPole")


def test_a_file_in_place_of_an_id_is_answered_in_words():
    with pytest.raises(NameNotFound, match="follows its name and a colon: `greenhouse:MyEnv-v0`"):
        jaxenvs.make("greenhouse.py")
