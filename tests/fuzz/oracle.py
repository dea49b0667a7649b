"""Who may have a file: decided a second time, with PyJWT and without a line of the engine's."""

import jwt

from tests.fuzz.token import Signer

SKEW = 60
SHORT_LIFE = 3_600
LONG_LIFE = 86_460


def opens(token: str, key: str, signer: Signer, now: int) -> bool:
    """Tell whether the token may open the key. What PyJWT reads generously, this does too.

    Args:
        token: as it was sent, decoded once.
        key: the key of the file.
        signer: who minted it, if it is good.
        now: the time in seconds since 1970.
    """
    try:
        secret = signer.keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            audience="media",
            # PyJWT asks the machine's clock; this time is ours.
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
        expires = int(claims["exp"])
        issued = int(claims.get("iat", now))
        starts = int(claims.get("nbf", now))
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError):
        return False
    longest = LONG_LIFE if "jti" in claims else SHORT_LIFE
    alive = now < expires <= min(issued, now) + longest
    begun = max(issued, starts) <= now + SKEW
    prefix = claims.get("pfx")
    covers = claims.get("key") == key or (
        isinstance(prefix, str) and prefix.endswith("/") and "/a/" in prefix
        and key.startswith(prefix)
    ) or (claims.get("set") == signer.set_id and key in signer.members)  # fmt: skip
    return alive and begun and covers and claims.get("jti") not in signer.revoked
