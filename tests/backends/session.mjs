// What a reader writes: who is signed in. Here a header says it.
export async function currentUser(request) {
  const [id, tenant] = (request.headers.get("x-test-user") ?? "").split(":");
  return id ? { id, tenant } : null;
}
