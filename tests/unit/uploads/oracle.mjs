// Reads a URL in JSON from each line; answers what the WHATWG's parser makes of it, or null.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  let answer = null;
  try {
    const { protocol, hostname, port, href } = new URL(JSON.parse(line));
    answer = { protocol, hostname, port, href };
  } catch {
    // It is no URL.
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
