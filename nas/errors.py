"""The one exception for what a user can mend: bad input, said in one line."""


class UserError(Exception):
    """What went wrong, where, and what would have been valid, in one line."""
