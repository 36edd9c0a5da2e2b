/**
 * Puts a site's Hono app under Tandem's own first middleware, which fills `c.var`.
 *
 * The app is not touched: its routes are entered into a copy that keeps its error and not-found
 * handlers. The copy is made from the app itself, so that the app may bring any Hono of its own.
 *
 * @module
 */

import type { Context, Hono } from "../deps/hono.ts";
import { RuntimeError } from "../errors.ts";
import type { TandemEnv, TandemVariables } from "../types/document.ts";
import { ExecutionContext, type RequestVariables } from "./variables.ts";

/** Where the variables of a request stand in Hono's `env`. */
const VARIABLES = Symbol("tandem.variables");

/** Hears of an error that a handler threw, before the app's own error handler answers it. */
export type OnHandlerError = (error: Error, variables: RequestVariables) => void;

/** An app that is ready to serve. */
export interface ComposedApp {
  /**
   * Handles a request whose handlers see `variables` in `c.var` and `env` in `c.env`. The variables are
   * marked on `env`, which must be an object of this request's own.
   */
  fetch(request: Request, variables: RequestVariables, env?: object): Response | Promise<Response>;
  /** Lets the router build what it needs, which it otherwise does for the first request. */
  prepare(): void;
}

/**
 * Composes apps into one, the routes of the first before those of the next.
 *
 * @param apps The apps.
 * @param main Which of them answers errors and unknown paths.
 * @param name What the apps are called in an error.
 * @param onError Hears of errors that handlers throw.
 * @param router An empty router, for apps that {@linkcode makesRouter} says cannot make one.
 * @throws {RuntimeError} `DOCUMENT_INVALID` if one of them is no Hono app.
 */
export function composeApp(
  apps: readonly unknown[],
  main: unknown,
  name: string,
  onError: OnHandlerError,
  router?: Hono["router"],
): ComposedApp {
  for (const app of apps) if (!isHono(app)) throw notHono(name, app);
  const first = main as Hono;
  const app = first.basePath("/");
  // What basePath() returns is of a class whose constructor needs nothing.
  const pristine = new (app.constructor as typeof Hono)();
  app.router = router ?? makeRouter(first)!;
  app.routes = [];
  // Hono's own handler would print the error; the runtime reports it instead.
  const errorHandler = readErrorHandler(first);
  const plain = errorHandler === readErrorHandler(pristine);
  app.onError((error, c) => {
    const { status } = error as { status?: unknown };
    // An HTTPException below 500 is an answer, thrown: no fault that anybody should look at.
    const isAnswer = "getResponse" in error && typeof status === "number" && status < 500;
    if (!isAnswer) onError(error, (c.env as Env)[VARIABLES]);
    return plain && !("getResponse" in error)
      ? c.text("Internal Server Error", 500)
      : errorHandler(error, c);
  });
  enter(app, { method: "ALL", path: "*", basePath: "/", handler: fillVariables });
  for (const { routes } of apps as Hono[]) for (const route of routes) enter(app, route);
  return {
    fetch: (request, variables, given) => {
      const env = (Object.isExtensible(given) ? given : Object.create(given ?? null)) as Env;
      env[VARIABLES] = variables;
      return app.fetch(request, env, new ExecutionContext(variables));
    },
    prepare: () => void app.router.match("GET", "/"),
  };
}

/** Whether an app's own Hono can make an empty router; what `basePath()` returned cannot. */
export function makesRouter(app: unknown): boolean {
  return isHono(app) && makeRouter(app as Hono) !== undefined;
}

function makeRouter(app: Hono): Hono["router"] | undefined {
  try {
    return new (app.constructor as typeof Hono)().router as Hono["router"] | undefined;
  } catch {
    // A class of the site's own, whose constructor needs more than nothing.
    return undefined;
  }
}

/** Keeps an app from taking routes that nobody would serve. */
export function sealApp(app: Hono<TandemEnv>): void {
  const { router } = app;
  app.router = {
    name: router.name,
    match: (method, path) => router.match(method, path),
    add: (method, path) => {
      throw new RuntimeError(
        "SITE_SEALED",
        `Cannot add route ${method} ${path}: the site has booted; add routes before it is served`,
      );
    },
  };
}

/** What handlers may read and shadow: nothing that the runtime itself goes by. */
class Visible {
  readonly #variables: RequestVariables;

  static {
    const names: Record<keyof TandemVariables, true> = {
      store: true,
      pagelets: true,
      xbox: true,
      session: true,
      requestId: true,
      threadType: true,
      globals: true,
      log: true,
      server: true,
      signal: true,
      onShutdown: true,
      onPostSend: true,
      onCleanup: true,
    };
    for (const name of Object.keys(names) as (keyof TandemVariables)[]) {
      Object.defineProperty(this.prototype, name, {
        get(this: Visible) {
          return this.#variables[name];
        },
      });
    }
    Object.setPrototypeOf(this.prototype, null);
  }

  constructor(variables: RequestVariables) {
    this.#variables = variables;
  }
}

interface Env {
  [VARIABLES]: RequestVariables;
}

type ErrorHandler = (error: Error, c: Context) => Response | Promise<Response>;

/**
 * Lets `c.var`, `c.get` and `c.set` work on the request's own variables, which are made when they are
 * read; Hono's own map would need all of them in advance.
 */
async function fillVariables(c: Context, next: () => Promise<void>): Promise<void> {
  const variables = new Visible((c.env as Env)[VARIABLES]);
  Object.defineProperty(c, "var", { value: variables });
  c.get = (name: string) => variables[name as never];
  c.set = (name: string, value: unknown) => {
    Object.defineProperty(variables, name, { value, configurable: true, enumerable: true });
  };
  // Not returned: Hono would take what next brings for a response.
  await next();
  // Hono drops the body of a HEAD request; whatever writes it must hear that nobody reads.
  if (c.req.method === "HEAD") c.res.body?.cancel().catch(nobodyReads);
}

function enter(app: Hono, route: Hono["routes"][number]): void {
  app.router.add(route.method, route.path, [route.handler as never, route]);
  app.routes.push(route);
}

function readErrorHandler(app: Hono): ErrorHandler {
  return (app as unknown as { errorHandler: ErrorHandler }).errorHandler;
}

function isHono(app: unknown): boolean {
  if (typeof app !== "object" || app === null) return false;
  const { fetch, basePath, routes } = app as Record<string, unknown>;
  return typeof fetch === "function" && typeof basePath === "function" && Array.isArray(routes);
}

function notHono(name: string, app: unknown): RuntimeError {
  const given = app === undefined ? "nothing" : `a value of type ${typeof app}`;
  return new RuntimeError(
    "DOCUMENT_INVALID",
    `Cannot use ${name}: its default export must be a Hono app, and it exports ${given}`,
  );
}

/** A body that cannot be cancelled has ended or failed already. */
function nobodyReads(): void {}
