"""What is wrong with an option is one sentence: where, what came, what would do."""

import math
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from disentbench.options import Options, sentence


class Everything(Options):
    whole: Annotated[int, Field(ge=1, le=10)] = 1
    real: Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)] = 1
    yes: bool = False
    text: Annotated[str, Field(min_length=2, max_length=3, pattern="a+")] = "aa"
    one: Literal["a", "b"] = "a"
    path: Path = Path()
    several: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]  # noqa: RUF012
    pair: tuple[float, float] = (0, 0)
    named: dict[str, int] = {}  # noqa: RUF012
    needed: int


def test_a_default_is_checked_as_what_is_given():
    class Wrong(Options):
        whole: Annotated[int, Field(ge=1)] = 0

    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Wrong()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"whole": "x"}, "whole is 'x'; it should be a whole number"),
        ({"whole": 1.5}, "whole is 1.5; it should be a whole number"),
        ({"whole": 1e30}, "whole is 1e+30; it should be a whole number of fewer digits"),
        ({"whole": 0}, "whole is 0; it should be at least 1"),
        ({"whole": 11}, "whole is 11; it should be at most 10"),
        ({"whole": True}, "whole is True; it takes no true or false"),
        ({"real": None}, "real is None; it should be a number"),
        ({"real": math.nan}, "real is nan; it should be a finite number"),
        ({"real": 0}, "real is 0; it should be greater than 0"),
        ({"real": 1e9}, "real is 1000000000.0; it should be less than 1000000000"),
        ({"yes": "perhaps"}, "yes is 'perhaps'; it should be true or false"),
        ({"text": 12}, "text is 12; it should be text, in quotes"),
        ({"text": "a"}, "text is 'a'; it should have at least 2 characters"),
        ({"text": "aaaa"}, "text is 'aaaa'; it should have at most 3 characters"),
        ({"text": "bb"}, "text is 'bb'; it should match a+"),
        ({"one": "c"}, "one is 'c'; it should be 'a' or 'b'"),
        ({"path": 1}, "path is 1; it should be the path of a file"),
        ({"several": 1}, "several is 1; it should be a list"),
        ({"several": []}, "several is []; it should hold at least 1"),
        ({"several": [1, 2, 3]}, "several is [1, 2, 3]; it should hold at most 2"),
        ({"several": [1, "x"]}, "several.1 is 'x'; it should be a whole number"),
        ({"pair": [1]}, "pair is [1]; it should hold more"),
        ({"pair": [1, 2, 3]}, "pair is [1, 2, 3]; it should hold at most 2"),
        ({"named": []}, "named is []; it should be a mapping of keys to values"),
        ({"named": {"a": "x"}}, "named.a is 'x'; it should be a whole number"),
        ({}, "the key 'needed' is missing"),
        ({"other": 1}, "unknown key 'other'; the keys are whole, real, yes"),
        (["needed"], "['needed'] is no mapping of keys to values"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(options, said):
    given = options if isinstance(options, list) or not options else {"needed": 1, **options}
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate(given)
    assert sentence(caught.value).startswith(said)


def test_what_a_person_may_write_for_a_number_is_one():
    """As 1e1, a list for a pair, text for a path; with pydantic's strict mode none of these is."""
    options = Everything(needed=1e1, pair=[0, 1], path="here", real=2)
    assert (options.needed, options.pair, options.path) == (10, (0.0, 1.0), Path("here"))
