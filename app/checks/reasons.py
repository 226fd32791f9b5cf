"""Reasons for failed checks that are safe to publish: no host, no user, no raw exception."""

import re


class Failed(Exception):
    """A check failed for a reason that is safe to show: its message."""


# The first pattern that matches the text of an exception or of one of its causes.
WORDS = [
    (
        r"resolv|translate host name|name or service|name resolution|getaddrinfo",
        "its name cannot be resolved",
    ),
    (
        r"password|authenti|noauth|wrongpass|sasl|role .* does not exist|no pg_hba",
        "it does not accept the credentials",
    ),
    (r"database .* does not exist", "the database does not exist"),
    (
        r"too many (clients|connections)|remaining connection slots|max number of clients",
        "it has no free connection",
    ),
    (r"starting up|shutting down|loading the dataset|recovery mode", "it is starting or stopping"),
    (r"read.?only|oom command|no space|disk full|misconf", "it does not accept writes"),
    (r"refused", "it refuses connections"),
    (r"unreachable|no route", "there is no network route to it"),
    (r"timed? ?out|timeout|_transport|all broker connections are down", "it did not answer in time"),
    (r"closed|reset by peer|broken pipe|terminat", "it closed the connection"),
]
UNKNOWN = "it failed with an unexpected error; see the log"


def in_words(problem: BaseException) -> str:
    """Returns the reason to show for an exception."""
    if isinstance(problem, Failed):
        return str(problem)
    text = " ".join(_texts(problem)).lower()
    return next((words for pattern, words in WORDS if re.search(pattern, text)), UNKNOWN)


def _texts(problem: BaseException):
    while problem is not None:
        yield f"{type(problem).__name__} {problem}"
        problem = problem.__cause__ or problem.__context__
