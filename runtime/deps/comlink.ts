/**
 * Comlink, the calls between the entry and its workers. The ESM file is named because the package's
 * default entry is UMD and takes a worker three times as long to load.
 *
 * @module
 */

export {
  type Endpoint,
  expose,
  transfer,
  type TransferHandler,
  transferHandlers,
  wrap,
} from "npm:comlink@4.4.2/dist/esm/comlink.mjs";
