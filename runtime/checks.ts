/**
 * Checks of options, each with a message that names the field, what is allowed and what was given.
 *
 * @module
 */

/** Names that the API has and this version does not serve yet: refused rather than ignored. */
const LATER: ReadonlySet<string> = new Set([
  "adminPort",
  "near",
]);

/** Refuses anything but a plain object of known fields. */
export function checkFields(field: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(field, "an object", value);
  }
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const path = field === "options" ? name : `${field}.${name}`;
    throw new TypeError(
      LATER.has(name)
        ? `Cannot use option "${path}": this version does not support it here`
        : `Cannot use option "${path}": there is none of that name; ${field} may have ${
          known.join(", ")
        }`,
    );
  }
}

/** The longest time that a timer keeps, in milliseconds: some 24 days. */
export const LONGEST_TIMER_MS: number = 2 ** 31 - 1;

/** Refuses anything but a whole number of at least `lowest`; a duration must fit a timer. */
export function checkNumber(field: string, value: unknown, lowest: number): void {
  if (typeof value !== "number") fail(field, "a number", value);
  if (field.endsWith("Ms") && (value as number) > LONGEST_TIMER_MS) {
    throw new RangeError(
      `Cannot use option "${field}": at most ${LONGEST_TIMER_MS} ms are kept, and ${value} was given`,
    );
  }
  if (Number.isSafeInteger(value) && (value as number) >= lowest) return;
  throw new RangeError(
    `Cannot use option "${field}": a whole number of at least ${lowest} is needed, and ${value} was given`,
  );
}

/** Reads where a document is. */
export function readDocument(field: string, value: unknown): string {
  if (value instanceof URL) return value.href;
  if (typeof value !== "string") fail(field, "a URL", value);
  const text = value as string;
  if (/^(file|https?):\/\//.test(text) && URL.canParse(text)) return new URL(text).href;
  throw new TypeError(
    `Cannot use option "${field}": a document needs an absolute URL, and ${
      JSON.stringify(text)
    } was ` +
      `given; write new URL(${
        JSON.stringify(/^\.?\.?\//.test(text) ? text : `./${text}`)
      }, import.meta.url)`,
  );
}

/** Throws the error of a field of the wrong type. */
export function fail(field: string, allowed: string, value: unknown): never {
  throw new TypeError(
    `Cannot use option "${field}": ${allowed} is needed, and ${given(value)} was given`,
  );
}

/** What was given, short enough for a message. */
export function given(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "function") return "a function";
  const text = Deno.inspect(value, { depth: 1, compact: true, breakLength: Infinity });
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
