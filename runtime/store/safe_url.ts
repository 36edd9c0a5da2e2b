/**
 * URLs as messages and logs may show them: without what may be secret.
 *
 * @module
 */

const SCHEME = /^[a-z][a-z0-9+.-]+:/i; // two characters at least: C:\ is a path
const USER = /^([a-z][a-z0-9+.-]+:(?:\/\/)?).*@/is;

/**
 * Leaves out user, password, query and fragment of where a store is; a path stays as it is. It does not
 * trust the URL to be well-formed: whatever stands before the last `@` goes, since a password may hold any
 * character.
 */
export function withoutSecrets(url: string): string {
  if (!SCHEME.test(url) || /^file:/i.test(url)) return url;
  return url.replace(USER, "$1").replace(/[?#].*$/s, "");
}

/** Leaves out user, password and query of a source's URL. */
export function shownSource(source: URL): string {
  const shown = new URL(source);
  if (shown.username !== "") shown.username = "";
  if (shown.password !== "") shown.password = "";
  if (/^https?:$/.test(shown.protocol)) shown.search = "";
  return shown.href;
}
