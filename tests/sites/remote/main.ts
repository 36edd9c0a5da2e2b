/**
 * A program that serves a site and reads its own pages. The test of remote imports copies this folder
 * to an empty place and writes the URL of Tandem in place of the path.
 *
 * @module
 */

import { serve } from "../../../mod.ts";
import site from "./site.ts";

await using box = await serve(site, { port: 0 });
console.log(await (await fetch(box.url)).text());
console.log(await (await fetch(`${box.url}xbox`)).text());
