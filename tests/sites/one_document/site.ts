/**
 * A site of one document, which the module's own query names: `?kind=startup&document=./throws.ts`.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";
import { optionsFrom } from "./options.ts";

export default createSite(optionsFrom(new URL(import.meta.url)));
