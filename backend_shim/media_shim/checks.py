"""System checks: `manage.py check` names every setting that is wrong, and what to write instead.

The number of a check belongs to its setting. A setting that is not there yet is a warning (W): the
application starts, and answers 503 where media are asked for. One that is wrong is an error (E),
and so is whatever `check --deploy` finds: a deployment without media is not one.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
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
UNFINISHED: Final = "media_shim.E016"
GUESSABLE: Final = "media_shim.E017"

SHORTEST_GATEWAY_KEY: Final = 22
"""In characters, of base64url: 128 bits. The Worker takes any."""

RANDOM: Final = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
RANDOM_KEY: Final = "python -c \"import secrets; print('k1:' + secrets.token_urlsafe(32))\""

HINTS: Final = {
    "WORKER_URL": 'The Worker\'s address: "WORKER_URL": "https://media.example.com".',
    "PUBLIC_URL": "Leave it out where browsers and the application use the same address.",
    "GATEWAY_KEY": '"GATEWAY_KEY": one of the secrets in the Worker\'s GATEWAY_KEYS. '
    f"To make one: {RANDOM}.",
    "TOKEN_KEYS": '"TOKEN_KEYS": the Worker\'s MEDIA_TOKEN_KEYS, letter for letter. '
    f"To make some: {RANDOM_KEY}",
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
    shim, problems = reading()
    messages: list[CheckMessage] = [
        Error(
            f"MEDIA_SHIM.{name} has a development secret, which everybody knows.",
            hint=HINTS[name],
            id=PUBLISHED,
        )
        for name in shim.development_secrets
    ]
    is_own = "GATEWAY_KEY" not in shim.development_secrets
    if 0 < len(shim.gateway_key) < SHORTEST_GATEWAY_KEY and is_own:
        messages.append(
            Error(
                f"MEDIA_SHIM.GATEWAY_KEY is shorter than {SHORTEST_GATEWAY_KEY} characters: it can "
                "be guessed, and whoever has it acts for every user.",
                hint=HINTS["GATEWAY_KEY"],
                id=GUESSABLE,
            )
        )
    # PUBLIC_URL is WORKER_URL where it is not set.
    for url, name in {shim.public_url: "PUBLIC_URL", shim.worker_url: "WORKER_URL"}.items():
        if url.startswith("http:"):
            messages.append(
                Error(
                    f"MEDIA_SHIM.{name} is not https: keys and tokens would travel in the clear.",
                    hint=f'"{name}": "https:{url.removeprefix("http:")}"',
                    id=PLAIN_HTTP,
                )
            )
    if missing := [problem.setting for problem in problems if problem.missing]:
        messages.append(
            Error(
                f"MEDIA_SHIM has no {', '.join(missing)}: whoever asks for media gets a 503.",
                hint="Their own warnings say what to write.",
                id=UNFINISHED,
            )
        )
    return messages


def _message(problem: Problem) -> CheckMessage:
    return CheckMessage(
        checks.WARNING if problem.missing else checks.ERROR,
        f"{problem.name} {problem.why}{problem.detail and f': {problem.detail}'}.",
        hint=problem.write or HINTS.get(problem.setting),
        id=f"media_shim.{'W' if problem.missing else 'E'}{NUMBERS.get(problem.setting, UNKNOWN)}",
    )
