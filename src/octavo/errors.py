"""The two ways in which a command ends other than well."""


class OctavoError(Exception):
    """The work failed, or a check did not hold: exit status 1."""


class InputError(OctavoError):
    """What the user gave is wrong: exit status 2. The message names where, what was found, what was expected."""
