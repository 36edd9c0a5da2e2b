/**
 * parse5, the HTML parser that settles what a pagelet's markup means before it joins a page.
 *
 * @module
 */

export {
  defaultTreeAdapter,
  type DefaultTreeAdapterMap,
  type DefaultTreeAdapterTypes,
  html,
  parse,
  parseFragment,
  serialize,
  type TreeAdapter,
} from "npm:parse5@^8.1.1";
