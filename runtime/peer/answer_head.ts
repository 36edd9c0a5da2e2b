/**
 * What the head of an answer tells, before anything of its body is read.
 *
 * @module
 */

import type { PeerAddress } from "./address.ts";
import { readAnswerHead, REFUSED, TANDEM, USED } from "./credential.ts";
import { badAnswer, PeerError, shown } from "./failures.ts";
import { WIRE_VERSION } from "./wire.ts";

/** The signature of an answer that may be read, or what is wrong with it. */
export function signatureOf(address: PeerAddress, { status, headers }: Response): string | Error {
  const head = readAnswerHead(headers.get(TANDEM));
  if (head === undefined) {
    const location = headers.get("location");
    if (status >= 300 && status < 400 && location !== null) {
      return badAnswer(address, `it redirects to ${originOf(location, address)} (${status})`);
    }
    return badAnswer(address, `no Tandem box gave it; its status is ${status}`);
  }
  const { version, signature } = head;
  if (version !== WIRE_VERSION) {
    return new PeerError(
      "PEER_VERSION",
      `Cannot talk to ${address.name}: it speaks version ${version} of the wire format, and this box version ${WIRE_VERSION}`,
      { mayHaveRun: status !== 426 },
    );
  }
  if (status === 200) return signature ?? badAnswer(address, "it is not signed");
  const why = shown(headers.get(REFUSED) ?? "it does not say why");
  if (status === 401) {
    return new PeerError(
      "PEER_UNAUTHORISED",
      `Cannot call ${address.name}: it does not accept this box's credential: ${why}`,
      // Something on the way has sent it twice, and this is the answer to the second.
      { mayHaveRun: why === USED },
    );
  }
  // Nothing else is said by boxes before they handle a call.
  const isRefusal = status >= 400 && status < 500 || status === 503;
  return badAnswer(address, `it refuses the call with status ${status}: ${why}`, {
    mayHaveRun: !isRefusal,
    status,
  });
}

function originOf(location: string, { origin }: PeerAddress): string {
  return URL.canParse(location, origin) ? shown(new URL(location, origin).origin) : "no address";
}
