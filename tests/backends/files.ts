// What a reader writes: their table, and who sees what. Here it is a Map, and alice's friends.
import type { Files, MediaFile } from "./media.js";

const rows = new Map<string, MediaFile>();

// As with many a library for databases, undefined is any text, and an object a condition.
function fits(wanted: string | undefined | { startsWith?: string }, text: string) {
  if (typeof wanted === "object") return text.startsWith(wanted?.startsWith ?? "");
  return wanted === undefined || wanted === text;
}

export const files: Files = {
  async add(file) {
    if (!rows.has(file.mediaId)) rows.set(file.mediaId, file);
  },
  async find(which) {
    const isIt = (file: MediaFile) =>
      "mediaId" in which ? fits(which.mediaId, file.mediaId) : fits(which.key, file.key);
    return [...rows.values()].find(isIt) ?? null;
  },
  async commit(mediaId) {
    const file = rows.get(mediaId);
    if (file?.status === "pending") rows.set(mediaId, { ...file, status: "committed" });
  },
  async remove(mediaId) {
    const file = rows.get(mediaId);
    if (file) rows.set(mediaId, { ...file, status: "removed" });
  },
  async sees(viewer, file) {
    return viewer.id === file.owner.id || viewer.id === "friend";
  },
};
