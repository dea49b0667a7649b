"""Where the double answers. Nobody's name ends in .test (RFC 6761): nobody is asked by mistake."""

from typing import Final

from media_shim.conf import DEVELOPMENT_GATEWAY_KEY

WORKER_URL: Final = "https://worker.test"
STORE_URL: Final = "https://store.test/bucket"

GATEWAY_KEY: Final = DEVELOPMENT_GATEWAY_KEY
