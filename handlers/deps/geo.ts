/**
 * Projections, paths and the decoding of topologies. Of topojson-client the ES modules are named:
 * its default entry is CommonJS and takes a worker 15 ms longer to start.
 * @module
 */

// @ts-types="npm:@types/d3-geo@3.1.0"
export {
  geoAzimuthalEqualArea,
  geoCentroid,
  geoCircle,
  geoDistance,
  geoNaturalEarth1,
  geoPath,
  type GeoProjection,
} from "npm:d3-geo@3.1.1";
// @ts-types="./stitch.d.ts"
export { geoStitch } from "npm:d3-geo-projection@4.0.0";
// @ts-types="npm:@types/topojson-client@3.1.5"
export { feature } from "npm:topojson-client@3.1.0/src/index.js";

export type { MultiPolygon, Polygon } from "npm:@types/geojson@7946.0.16";
export type { GeometryCollection, Topology } from "npm:@types/topojson-specification@1.0.5";
