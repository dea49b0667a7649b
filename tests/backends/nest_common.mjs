// The part of @nestjs/common that the controller uses: decorators that write down what they say.
const routes = new Map();
const said = (target, name) => {
  const key = `${target.constructor.name}.${name}`;
  if (!routes.has(key)) routes.set(key, { name, parameters: [], headers: {} });
  return routes.get(key);
};
const verb =
  (method) =>
  (paths = "") =>
  (target, name) =>
    Object.assign(said(target, name), { method, paths: [paths].flat() });
const parameter = (from) => (which) => (target, name, index) => {
  if (name !== undefined) said(target, name).parameters[index] = (call) => from(call, which);
};

export const Controller = (prefix) => (type) => Object.assign(type, { prefix });
export const Get = verb("GET");
export const Post = verb("POST");
export const Delete = verb("DELETE");
export const HttpCode = (status) => (target, name) => Object.assign(said(target, name), { status });
export const Header = (header, value) => (target, name) =>
  Object.assign(said(target, name).headers, { [header]: value });
export const Inject = () => () => undefined;
export const Req = parameter((call) => call.request);
export const Body = parameter((call) => call.body);
export const Headers = parameter((call, name) => call.request.headers[name]);
export const Query = parameter((call, name) => call.url.searchParams.get(name) ?? undefined);
export const Param = parameter((call, name) => call.params[name]);

export class HttpException extends Error {
  constructor(body, status) {
    super(body.error);
    Object.assign(this, { body, status });
  }
}

export function match(method, path) {
  for (const route of routes.values()) {
    for (const pattern of route.paths) {
      const names = [];
      const source = pattern.replace(/:(\w+)/g, (_, name) => names.push(name) && "([^/]+)");
      const found = route.method === method && new RegExp(`^${source}$`).exec(path);
      if (found) {
        const params = Object.fromEntries(names.map((name, at) => [name, found[at + 1]]));
        return { route, params };
      }
    }
  }
  return null;
}
