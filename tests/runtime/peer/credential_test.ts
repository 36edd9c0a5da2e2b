import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { areEqual, digestOf, MacKey } from "../../../runtime/peer/mac.ts";
import {
  authorizationOf,
  credentialText,
  readCredential,
} from "../../../runtime/peer/credential.ts";
import { Keyring } from "../../../runtime/peer/mod.ts";

Deno.test("MacKey.sign() makes what HMAC with SHA-256 makes", () => {
  for (const secret of ["s".repeat(16), "k".repeat(64), "l".repeat(65), "ü→😀".repeat(40)]) {
    const key = new MacKey(secret);
    for (const text of ["", "a", "é→😀", "x".repeat(1300), "é".repeat(5000)]) {
      const expected = createHmac("sha256", secret).update(text).digest("hex");
      assert.equal(key.sign(text), expected);
      assert.ok(key.accepts(text, expected));
      assert.ok(!key.accepts(`${text}.`, expected));
    }
  }
  const bytes = new Uint8Array([1, 2, 3]);
  assert.equal(digestOf(bytes), createHash("sha256").update(bytes).digest("hex"));
});

Deno.test("areEqual() sees a difference at every place, and in length", () => {
  const digest = digestOf(new Uint8Array());
  assert.ok(areEqual(digest, `${digest}`));
  for (let at = 0; at < digest.length; at++) {
    assert.ok(!areEqual(digest, `${digest.slice(0, at)}~${digest.slice(at + 1)}`));
  }
  assert.ok(!areEqual(digest, digest.slice(1)) && !areEqual(digest, "") && !areEqual("", digest));
});

Deno.test("Keyring.sign() never makes the same credential twice, and does not tell the secret", () => {
  const secret = "a secret that nobody reads";
  const keyring = new Keyring([secret], () => 1000.5);
  const unsigned = { method: "GET", path: "/", body: new Uint8Array(), to: "a:1", from: "b" };
  const [one, other] = [keyring.sign(unsigned), keyring.sign(unsigned)];
  assert.notEqual(one.headers.authorization, other.headers.authorization);
  assert.ok(!JSON.stringify(one.headers).includes(secret));
  const read = readCredential(one.headers.authorization);
  assert.equal(read?.time, 1000);
  assert.equal(read?.keyId, new MacKey(secret).id);
  assert.notEqual(new MacKey(secret).id, new MacKey(`${secret} `).id);
  assert.throws(() => new Keyring([]).sign(unsigned), /there is no secret/);
});

Deno.test("readCredential() reads what was written, any name included, and nothing else", () => {
  const hex = "0123456789abcdef";
  const made = {
    timeoutMs: 5000,
    to: "10.0.0.2:8000",
    from: "me",
    keyId: hex,
    time: 1000,
    sender: hex.repeat(2),
    count: 7,
    digest: hex.repeat(4),
  };
  const signature = hex.repeat(4);
  const headerOf = (more: object) => {
    return authorizationOf(credentialText({ ...made, ...more }), signature);
  };
  for (const from of ["", "box-1", "a; b=c\r\nx", "→😀", "x".repeat(255)]) {
    const { text, signature: found, ...read } = readCredential(headerOf({ from }))!;
    assert.deepEqual(read, { ...made, from });
    assert.deepEqual([text, found], [credentialText(read), signature]);
  }
  assert.equal(readCredential(headerOf({ timeoutMs: 0.2 }))?.timeoutMs, 1);
  assert.equal(readCredential(headerOf({ timeoutMs: undefined }))?.timeoutMs, undefined);
  const good = headerOf({});
  const bad = [
    "",
    "Tandem ",
    ` ${good}`,
    `${good} `,
    good.replace("Tandem", "tandem"),
    good.replace("from=me", "from=%"),
    good.replace("from=me", `from=${"x".repeat(256)}`),
    good.replace("timeout=5000", "timeout=-5"),
    good.replace("to=10", "to=a b"),
    good.replace(".7.", ".."),
    good.replace(hex, hex.toUpperCase()),
  ];
  for (const header of bad) assert.equal(readCredential(header), undefined, header);
});
