"""The one exception for what a user can mend."""


class InputError(Exception):
    """Input, configuration or hardware that a user can put right.

    The message is one sentence that says what is wrong and how to mend it. The command line prints
    it without a traceback; a node that meets it in a message drops the message and counts it.
    """
