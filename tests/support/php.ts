/**
 * PHP, as the measure of what claims to behave like it.
 *
 * @module
 */

let missing: boolean | undefined;

/**
 * Whether tests that compare with PHP are to be left out: there is none here, which is said once. In CI there has
 * to be one, and they fail instead.
 */
export function lacksPhp(): boolean {
  if (missing === undefined) {
    try {
      new Deno.Command("php", { args: ["-v"], stdout: "null" }).outputSync();
      missing = false;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      missing = true;
      console.log("Tests with PHP are left out: install php-cli to run them");
    }
  }
  return missing && !Deno.env.get("CI");
}

/** Runs a script to its end and returns what it prints. */
export async function runPhp(script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("php", { args: ["-r", script] })
    .output();
  const text = new TextDecoder();
  if (!success) throw new Error(`PHP failed: ${text.decode(stderr)}${text.decode(stdout)}`);
  return text.decode(stdout);
}
