"""What the domains of fields take, and what they say otherwise."""

import pytest

from nas.architecture import choice
from nas.errors import UserError


def test_a_choice_among_numbers_is_of_numbers() -> None:
    field = choice(3, (3, 5, 7), about="")
    assert field.check("kernel", 5) == 5
    for wrong in (4, 5.0, "5", True):
        with pytest.raises(UserError, match=r"kernel: .* is not one of 3, 5, 7"):
            field.check("kernel", wrong)
    with pytest.raises(UserError, match="is not one of 1, 2"):
        choice(1, (1, 2), about="").check("one", True)
