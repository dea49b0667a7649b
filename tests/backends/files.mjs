// What a reader writes: their table, and who sees what. Here it is a Map, and alice's friends.
const rows = new Map();

// As with many a library for databases, an object in the place of a text is a condition.
const fits = (wanted, text) => text === wanted || text.startsWith(wanted?.startsWith ?? "\0");

export const files = {
  add: async (file) => void rows.set(file.mediaId, file),
  find: async ({ key, mediaId }) =>
    [...rows.values()].find((file) =>
      mediaId ? fits(mediaId, file.mediaId) : fits(key, file.key),
    ),
  update: async (mediaId, changes) => void Object.assign(rows.get(mediaId), changes),
  sees: async (user, file) => file.owner.id === user.id || user.id === "friend",
};
