// What a reader writes: their table, and who sees what. Here it is a Map, and alice's friends.
const rows = new Map();

export const files = {
  add: async (file) => void rows.set(file.mediaId, file),
  find: async ({ key, mediaId }) =>
    mediaId ? rows.get(mediaId) : [...rows.values()].find((file) => file.key === key),
  update: async (mediaId, changes) => void Object.assign(rows.get(mediaId), changes),
  sees: async (user, file) => file.owner.id === user.id || user.id === "friend",
};
