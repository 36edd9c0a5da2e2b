/**
 * Boots a site with an rpc document, and calls its functions by hand.
 *
 * @module
 */

import type { SiteOptions } from "../../../mod.ts";
import { fixture, open as openSite } from "../http/support.ts";

/** The word of the tests' callers. */
export const PASSWORD = "open sesame";

/** What {@linkcode open} adds to a site. */
export type Opened = Awaited<ReturnType<typeof open>>;

/** Serves `functions.ts`; `call` calls with the password, and brings JSON where it is JSON. */
export async function open(rpc: object = {}, options: SiteOptions = {}) {
  const site = await openSite({
    ...options,
    rpc: { document: fixture("rpc/functions.ts"), passwords: [PASSWORD], workers: 2, ...rpc },
  });
  const call = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${PASSWORD}`);
    const { status, headers: answered, text } = await site.get(`/_tandem/rpc/${path}`, {
      ...init,
      headers,
    });
    const isJson = answered.get("content-type") === "application/json";
    return { status, text, headers: answered, value: isJson ? JSON.parse(text) : undefined };
  };
  return Object.assign(site, { call });
}

/** Sends bytes over a connection of its own and brings the whole answer; the server may keep the connection. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
  const piece = new Uint8Array(4096);
  const decoder = new TextDecoder();
  for (let answer = "";;) {
    const count = await connection.read(piece);
    if (count === null) return answer;
    answer += decoder.decode(piece.subarray(0, count), { stream: true });
    const end = answer.indexOf("\r\n\r\n");
    const length = Number(/content-length: *(\d+)/i.exec(answer)?.[1]);
    if (end >= 0 && answer.length >= end + 4 + length) return answer;
  }
}
