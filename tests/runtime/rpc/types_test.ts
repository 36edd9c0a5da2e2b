import assert from "node:assert/strict";
import { rpc, type RpcClient, type RpcContext } from "../../../mod.ts";

/** A module as `typeof import("./rpc.ts")` is one. */
interface Module {
  add(a: number, b?: number): number;
  remember(this: RpcContext, name: string): Promise<Date>;
  join(...texts: string[]): string;
  same<T>(value: T): T;
  never(): never;
  readonly constant: number;
  readonly list: string[];
  Kind: new () => object;
  default(): void;
  then(): void;
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/** Fails to compile unless it is given what is true. */
function holds<T extends true>(..._types: T[]): void {}

type Client = RpcClient<Module>;

Deno.test("RpcClient has the functions of a module, without this and with promises", () => {
  holds<Same<keyof Client, "add" | "remember" | "join" | "same" | "never">>();
  holds<Same<Client["add"], (a: number, b?: number) => Promise<number>>>();
  holds<Same<Client["remember"], (name: string) => Promise<Date>>>();
  holds<Same<Client["join"], (...texts: string[]) => Promise<string>>>();
  holds<Same<Client["never"], () => Promise<never>>>();
  holds<Same<ReturnType<Client["same"]>, Promise<unknown>>>();
  // @ts-expect-error it is false
  holds<Same<Client["add"], (a: number) => Promise<number>>>();

  const client = rpc<Module>("http://127.0.0.1:9");
  const wrong: (() => unknown)[] = [
    // @ts-expect-error a text is no number
    () => client.add("1"),
    // @ts-expect-error there is no such function
    () => client.missing(),
    // @ts-expect-error it is no function
    () => client.constant,
    // @ts-expect-error its value is in a promise
    () => client.add(1).toFixed(),
    // @ts-expect-error a client is not changed
    () => client.add = () => Promise.resolve(1),
  ];
  assert.equal(wrong.length, 5);
});
