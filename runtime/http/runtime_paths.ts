/**
 * The paths of the main port that belong to the runtime rather than to the site.
 *
 * @module
 */

/** Answers a request; it never rejects. */
export type Answer = (request: Request) => Promise<Response>;

/** Every path of the runtime begins with this. */
const PREFIX = "/_tandem/";
/** Shorter than the scheme of any address that is served, with its two slashes. */
const AFTER_SCHEME = 8;

/** Finds who answers instead of the site. */
export class RuntimePaths {
  readonly #answers: readonly (readonly [path: string, answer: Answer])[];

  /**
   * Takes paths, each with who answers there: all that is below those with a slash at the end, and the others alone. What is
   * `undefined` is left to the site.
   */
  constructor(answers: Readonly<Record<string, Answer | undefined>>) {
    this.#answers = Object.entries(answers).flatMap(([path, answer]) =>
      answer === undefined ? [] : [[path, answer] as const]
    );
  }

  /** Who answers a request, if it is not the site. */
  find({ url }: Request): Answer | undefined {
    if (this.#answers.length === 0) return undefined;
    const at = url.indexOf("/", AFTER_SCHEME);
    if (!url.startsWith(PREFIX, at)) return undefined;
    return this.#answers.find(([path]) => leadsTo(path, url, at))?.[1];
  }
}

function leadsTo(path: string, url: string, at: number): boolean {
  if (!url.startsWith(path, at)) return false;
  const next = url[at + path.length];
  return path.endsWith("/") || next === undefined || next === "?" || next === "#";
}
