// The packages are in the folder above, as in a workspace.
import { dirname } from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = { turbopack: { root: dirname(process.cwd()) } };

export default config;
