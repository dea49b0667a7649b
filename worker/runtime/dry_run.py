"""Build the Worker as `wrangler deploy` would, without deploying it, and say how large it is."""

import sys

from runtime.bundle import BundleError
from runtime.process import ROOT, StartError, run
from runtime.wrangler import BIN, environment


def main() -> int:
    folder = ROOT / ".tools" / "dry-run"
    command = [str(BIN / "wrangler"), "deploy", "--dry-run", f"--outdir={folder}"]
    try:
        said = run("wrangler deploy --dry-run", command, environment())
    except (BundleError, StartError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(next(line for line in said.splitlines() if line.startswith("Total Upload")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
