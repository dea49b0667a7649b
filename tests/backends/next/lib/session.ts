// What a reader writes: who is signed in. Here a header says it.
import type { User } from "@/lib/media";

export async function currentUser(request: Request): Promise<User | null> {
  const [id, tenant] = (request.headers.get("x-test-user") ?? "").split(":");
  return id ? { id, tenant } : null;
}
