/**
 * The parameters of a call: in the query, and in a form that is its body.
 *
 * @module
 */

import type { Arguments, Output } from "./messages.ts";

/** Names that parameters may have. */
const NAMES = ["auth", "output", "p", "params", "reset", "return"];
/** Parameters by which HHVM's callers chose what is loaded. */
const FILES = ["include", "include_once"];
/** Fields of a form. It is read before its sender is known, and each takes time. */
const MOST_FIELDS = 10_000;
const AMPERSAND = 0x26;

/** What came with a call beside its function. */
export class Parameters {
  readonly #query: URLSearchParams;
  #form: URLSearchParams | undefined;

  /** Takes the query, without its question mark. */
  constructor(query: string) {
    this.#query = new URLSearchParams(query);
  }

  /** The value of a parameter: the first one in the query, else in the form. */
  get(name: string): string | undefined {
    return this.#query.get(name) ?? this.#form?.get(name) ?? undefined;
  }

  /** The values of a parameter: first those in the query, then those in the form. */
  all(name: string): string[] {
    return [...this.#query.getAll(name), ...(this.#form?.getAll(name) ?? [])];
  }

  /** Whether the body's content type is that of a form. */
  static isForm(contentType: string): boolean {
    return isUrlEncoded(contentType) || Parameters.isMultipart(contentType);
  }

  /** Whether the body's content type is that of a form in parts. */
  static isMultipart(contentType: string): boolean {
    return contentType.startsWith("multipart/form-data");
  }

  /**
   * Adds a form; a body of that type without any of the names is none, since that is how programs send text
   * when nobody tells them its type.
   *
   * @returns Whether it is one.
   * @throws {TypeError} If it is damaged, holds a file or has more than 10000 fields.
   */
  async addForm(contentType: string, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const form = isUrlEncoded(contentType)
      ? readUrlEncoded(body)
      : await readMultipart(contentType, body);
    const isOurs = [...NAMES, ...FILES].some((name) => form.has(name));
    if (isOurs) this.#form = form;
    return isOurs || !isUrlEncoded(contentType);
  }

  /**
   * In which form the value is wanted.
   *
   * @throws {TypeError} If that is none of those that there are.
   */
  output(): Output {
    const output = this.get("output") ?? "0";
    if (!/^[0-3]$/.test(output)) throw wrong("output", "0, 1, 2 or 3", output);
    const kind = this.get("return") ?? "json";
    if (kind !== "json" && kind !== "serialize") throw wrong("return", "serialize or json", kind);
    return output === "0" && kind === "serialize" ? 3 : Number(output) as Output;
  }

  /**
   * Whether the worker is to be replaced afterwards.
   *
   * @throws {TypeError} If it is neither 0 nor 1.
   */
  reset(): boolean {
    const reset = this.get("reset") || "0";
    if (reset !== "0" && reset !== "1") throw wrong("reset", "0 or 1", reset);
    return reset === "1";
  }

  /** The arguments, if parameters hold them. */
  arguments(): Arguments | undefined {
    const params = this.get("params");
    if (params !== undefined) return { params };
    const each = this.all("p");
    return each.length === 0 ? undefined : { each };
  }

  /**
   * Refuses what would choose a file to be loaded.
   *
   * @throws {TypeError} If there is such a parameter.
   */
  refuseFiles(): void {
    const name = FILES.find((name) => this.get(name) !== undefined);
    if (name === undefined) return;
    throw new TypeError(
      `parameter ${name} is not supported: the site's option "rpc" names the document, and no caller does`,
    );
  }
}

function isUrlEncoded(contentType: string): boolean {
  return contentType.startsWith("application/x-www-form-urlencoded");
}

function readUrlEncoded(body: Uint8Array): URLSearchParams {
  let at = -1;
  for (let fields = 1; (at = body.indexOf(AMPERSAND, at + 1)) !== -1; fields++) {
    if (fields < MOST_FIELDS) continue;
    throw new TypeError(
      `a form may have at most ${MOST_FIELDS} fields; text that is none needs another content type`,
    );
  }
  return new URLSearchParams(new TextDecoder().decode(body));
}

async function readMultipart(
  contentType: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<URLSearchParams> {
  const headers = { "content-type": contentType };
  const form = await new Response(body, { headers }).formData();
  const texts = new URLSearchParams();
  for (const [name, value] of form) {
    if (typeof value !== "string") throw new TypeError(`parameter ${name} is a file`);
    texts.append(name, value);
  }
  return texts;
}

function wrong(name: string, allowed: string, value: string): TypeError {
  const shown = JSON.stringify(value.slice(0, 40));
  return new TypeError(`parameter ${name} must be ${allowed}, and ${shown} was given`);
}
