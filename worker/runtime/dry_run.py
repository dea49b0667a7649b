"""Build the Worker as `wrangler deploy` would, without deploying it, and say how large it is."""

import subprocess
import sys

from runtime.bundle import ROOT, BundleError
from runtime.wrangler import BIN, environment


def main() -> int:
    try:
        env = environment()
    except BundleError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    done = subprocess.run(
        [str(BIN / "wrangler"), "deploy", "--dry-run", f"--outdir={ROOT / '.tools' / 'dry-run'}"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stdout + done.stderr
        print(f"error: wrangler deploy --dry-run failed:\n{said}", file=sys.stderr)
        return 1
    print(next(line for line in done.stdout.splitlines() if line.startswith("Total Upload")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
