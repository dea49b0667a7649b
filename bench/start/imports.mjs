// Imports the Worker in Pyodide, as workerd does at start, and says how long each module took.
// What workerd alone has (its helper, its compatibility flags) is stood in for: nothing is called.

import { loadPyodide } from "pyodide";

const [source, modules] = process.argv.slice(2);
const pyodide = await loadPyodide({ args: ["-X", "importtime"], stderr: () => {} });
const lines = [];
pyodide.setStderr({ batched: (line) => lines.push(line) });
pyodide.registerJsModule("_pyodide_entrypoint_helper", {
  cloudflareWorkersModule: {},
  patchWaitUntil: () => {},
});
pyodide.registerJsModule("_cloudflare_compat_flags", {});
for (const [name, path] of [
  ["/src", source],
  ["/modules", modules],
]) {
  pyodide.FS.mkdir(name);
  pyodide.mountNodeFS(name, path);
}
await pyodide.runPythonAsync(`
import sys
sys.path[:0] = ["/src", "/modules"]
`);
lines.length = 0;
const started = performance.now();
await pyodide.runPythonAsync(`
import workers

class Anything:
    LOOKED_AT = ()
    def __getattr__(self, name):
        return self

# Importing JavaScript needs workerd's stack switching. Nothing of it is called here.
workers.import_from_javascript = lambda name: Anything()
import entry
`);
process.stdout.write(JSON.stringify({ milliseconds: performance.now() - started, lines }));
