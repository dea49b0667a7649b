// What a reader writes: who is signed in. Here a header says it.
import { type CanActivate, type ExecutionContext, Injectable } from "@nestjs/common";
import type { Request } from "express";
import { MediaError, type User } from "../lib/media.js";

@Injectable()
export class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<Request & { user: User }>();
    const [id, tenant] = (request.get("x-test-user") ?? "").split(":");
    if (!id) throw new MediaError(401, "UNAUTHORIZED", "Sign in first.");
    request.user = { id, tenant };
    return true;
  }
}
