"""System checks: `manage.py check` names every setting that is wrong, and what to write instead.

The number of a check belongs to its setting. A setting that is not there yet is a warning (W): the
application starts, and answers 503 where media are asked for. One that is wrong is an error (E).
"""

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

from media_shim.conf import Problem, reading

NUMBERS: Final = {
    "WORKER_URL": "001",
    "PUBLIC_URL": "002",
    "GATEWAY_KEY": "003",
    "TOKEN_KEYS": "004",
    "TOKEN_TTL": "005",
    "SERVICE": "006",
    "TENANT": "007",
    "ATTACH_RESOLVER": "008",
    "VIEWABLE": "009",
    "TIMEOUT": "010",
    "SHIM_ID": "014",
    "UNATTACHED_TTL": "015",
}
UNKNOWN: Final = "011"
PUBLISHED: Final = "media_shim.E012"
PLAIN_HTTP: Final = "media_shim.E013"

HINTS: Final = {
    "WORKER_URL": "The Worker's address, such as https://media.example.com.",
    "PUBLIC_URL": "Leave it out where browsers and the application use the same address.",
    "GATEWAY_KEY": "One of the secrets in the Worker's GATEWAY_KEYS.",
    "TOKEN_KEYS": "The Worker's MEDIA_TOKEN_KEYS. A new key: "
    "python -c \"import secrets; print('k1:' + secrets.token_urlsafe(32))\"",
    "TOKEN_TTL": "600 is ten minutes.",
    "SERVICE": "A short name such as app: it becomes a part of every key.",
    "TENANT": "The dotted path of a function (user) -> str | None.",
    "ATTACH_RESOLVER": "The dotted path of a function (user, attach_to) -> bool.",
    "VIEWABLE": "The dotted path of a function (viewer, files) -> files, which narrows a queryset.",
    "TIMEOUT": "10 is a good value.",
    "SHIM_ID": "Leave it out, unless two applications with one SERVICE share a Worker.",
    "UNATTACHED_TTL": "86400 is a day; 0 keeps what is never attached.",
}


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Report what is wrong with MEDIA_SHIM."""
    _, problems = reading()
    return [_message(problem) for problem in problems]


def check_deployment(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    """Report what is right on a laptop and wrong in production (`manage.py check --deploy`)."""
    if settings.DEBUG:
        return []
    shim, _ = reading()
    messages: list[CheckMessage] = [
        Error(
            f"MEDIA_SHIM.{name} has a development secret, which everybody knows, and DEBUG is off.",
            hint=HINTS[name],
            id=PUBLISHED,
        )
        for name in shim.development_secrets
    ]
    for name, url in (("WORKER_URL", shim.worker_url), ("PUBLIC_URL", shim.public_url)):
        if url.startswith("http:"):
            messages.append(
                Error(
                    f"MEDIA_SHIM.{name} is not https: keys and tokens would travel in the clear.",
                    hint="Write https://…",
                    id=PLAIN_HTTP,
                )
            )
    return messages


def _message(problem: Problem) -> CheckMessage:
    return CheckMessage(
        checks.WARNING if problem.missing else checks.ERROR,
        f"{problem.name} {problem.why}{problem.detail and f': {problem.detail}'}.",
        hint=HINTS.get(problem.setting),
        id=f"media_shim.{'W' if problem.missing else 'E'}{NUMBERS.get(problem.setting, UNKNOWN)}",
    )
