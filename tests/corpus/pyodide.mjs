// Runs judge.py in Pyodide: the Python that a Worker runs on, with its own expat and zlib.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadPyodide } from "pyodide";

const project = fileURLToPath(new URL("../..", import.meta.url));
const pyodide = await loadPyodide();
pyodide.FS.mkdir("/project");
pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root: project }, "/project");
const program = readFileSync(new URL("judge.py", import.meta.url), "utf8");
console.log(await pyodide.runPythonAsync(program));
