/**
 * Draws maps as SVG. Only the pagelet document imports this: drawing is the site's heaviest work,
 * and in a worker it holds up nobody's page.
 *
 * @module
 */

import { type Country, pathOf } from "./countries.ts";
import { html } from "./deps.ts";
import type { Atlas } from "./deps/atlas_50m.js";
import * as geo from "./deps/geo.ts";
import type { Html } from "./html.ts";

type Shape = geo.Feature<geo.Polygon | geo.MultiPolygon, { name: string }>;
type Point = [lon: number, lat: number];

/** One polygon of a shape, with the circle around it that tells quickly whether it is in view. */
interface Part {
  shape: Shape;
  coordinates: geo.Position[][];
  centre: Point;
  /** In radians. */
  radius: number;
}

/** An atlas, decoded. */
interface World {
  atlas: Atlas;
  shapes: Shape[];
  parts: Part[];
}

const KM_PER_DEGREE = 111.2;

// Loaded and decoded when the first map is drawn, and kept for the life of the worker.
let coarse: Promise<World> | undefined;
let fine: Promise<World> | undefined;

/** The world with every country a link: its shape, or a dot where one is too small to have a shape. */
export async function drawWorld(countries: readonly Country[]): Promise<Html> {
  const { shapes } = await loadCoarse();
  const projection = geo.geoNaturalEarth1()
    .rotate([-11, 0]) // the map is cut in the Bering Strait then, and Russia stays whole
    .fitExtent([[4, 4], [996, 496]], { type: "Sphere" });
  const path = geo.geoPath(projection).digits(1);
  const linked = new Set<Shape>();
  const links = countries.map((country) => {
    const shape = shapes.find((shape) => isOf(shape, country));
    if (shape) linked.add(shape);
    const [x, y] = projection([country.latlng[1], country.latlng[0]])!.map(Math.round);
    return html`<a href="${pathOf(country)}"><title>${country.name.common}</title>${
      shape
        ? html`
          <path d="${path(shape)}" />
        `
        : html`
          <circle class="dot" cx="${x}" cy="${y}" r="2.5" />
        `
    }</a>`;
  });
  const rest = shapes.filter((shape) => !linked.has(shape)); // land that is none of the countries'
  return html`
    <nav aria-label="World map">
      <svg class="map" viewBox="0 0 1000 500">
    ${rest.map((shape) =>
      html`
        <path d="${path(shape)}" />
      `
    )}${links}</svg>
    </nav>
  `;
}

/** A country among its neighbours, north up at its middle. */
export async function drawCountry(country: Country): Promise<Html> {
  const isLarge = country.area > 2e6;
  // Of a country as large as India the coarse atlas shows all that can be seen, and much faster.
  const { atlas, shapes, parts } = await (isLarge ? loadCoarse() : loadFine());
  const own = shapes.find((shape) => isOf(shape, country));
  const focus = own && mainParts(parts.filter(({ shape }) => shape === own));

  // The middle of the map is the middle of the country: turned there, the globe has its date line,
  // its poles and its distortion elsewhere, so that Fiji and Russia are like all others.
  const [lat, lon] = country.latlng;
  const centre: Point = focus ? geo.geoCentroid(focus) : [lon, lat];
  const size = Math.sqrt(Math.max(country.area, 1) / Math.PI) / KM_PER_DEGREE;
  const around = geo.geoCircle().center(centre).radius(Math.max(1.5, size))();
  const view = { type: "GeometryCollection" as const, geometries: [around, focus ?? around] };
  const projection = geo.geoAzimuthalEqualArea()
    .rotate([-centre[0], -centre[1]])
    .preclip((stream) => stream) // what is behind the globe is left out below, part by part
    .precision(isLarge ? 1 : 0) // straight lines bend only on maps of half a continent
    .fitExtent([[60, 60], [660, 420]], view)
    .clipExtent([[-2, -2], [722, 482]]);
  const path = geo.geoPath(projection).digits(1);

  const corner = projection.invert!([0, 0]); // beyond the globe's edge on maps of half the world
  const reach = corner?.every(Number.isFinite) ? geo.geoDistance(centre, corner) : Math.PI;
  const inView = parts.filter((p) => geo.geoDistance(centre, p.centre) < reach + p.radius);
  const others = inView.filter(({ shape }) => shape !== own);
  const names = others.filter(({ radius }) => radius > reach / 10).map((part) => {
    const [x, y] = path.centroid(joined([part]));
    const hasRoom = path.area(joined([part])) > 2500 && x > 50 && x < 670 && y > 14 && y < 466;
    return hasRoom && html`<text x="${x | 0}" y="${y | 0}">${part.shape.properties.name}</text>`;
  });
  const isSmall = !focus || path.area(focus) < 400;
  const [x, y] = projection(centre)!.map(Math.round);
  const label = `Map of ${country.name.common} and its surroundings`;
  return html`<svg class="map" viewBox="0 0 720 480" role="img" aria-label="${label}">
<path d="${path(joined(others))}"/>
<path class="here" d="${path(joined(inView.filter(({ shape }) => shape === own)))}"/>
<path class="borders" d="${path(bordersOf(atlas, inView))}"/>
${
    isSmall && html`
      <circle class="ring" cx="${x}" cy="${y}" r="14" />
    `
  }${names}</svg>`;
}

function loadCoarse(): Promise<World> {
  return coarse ??= import("./deps/atlas_110m.js").then(({ atlas }) => decode(atlas));
}

function loadFine(): Promise<World> {
  return fine ??= import("./deps/atlas_50m.js").then(({ atlas }) => decode(atlas));
}

function decode(atlas: Atlas): World {
  const shapes = geo.feature(atlas, atlas.objects.countries).features as Shape[];
  return { atlas, shapes, parts: shapes.flatMap(partsOf) };
}

function partsOf(shape: Shape): Part[] {
  const { type, coordinates } = shape.geometry;
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  return polygons.map((coordinates) => ({ shape, coordinates, ...circleAround(coordinates[0]!) }));
}

/** From the span in degrees: near enough, and much faster than from each point of a coast. */
function circleAround(outline: geo.Position[]): Pick<Part, "centre" | "radius"> {
  let [west, south, east, north] = [180, 90, -180, -90];
  for (const [lon = 0, lat = 0] of outline) {
    if (lon < west) west = lon;
    if (lon > east) east = lon;
    if (lat < south) south = lat;
    if (lat > north) north = lat;
  }
  const isAntarctic = east - west > 180;
  const centre: Point = isAntarctic ? [0, -90] : [(west + east) / 2, (south + north) / 2];
  const corners: Point[] = [[west, south], [west, north], [east, south], [east, north]];
  const far = Math.max(...corners.map((corner) => geo.geoDistance(centre, corner)));
  return { centre, radius: far * 1.05 };
}

/** Shapes carry a country's number; Kosovo has none and is known by its name. */
function isOf(shape: Shape, country: Country): boolean {
  return country.ccn3 ? shape.id === country.ccn3 : shape.properties.name === country.name.common;
}

/**
 * What a map is fitted to: a country's largest part, what is near to it, and what is large itself.
 * So the map of the United States has Alaska, but that of France not the Pacific.
 */
function mainParts(parts: Part[]): geo.MultiPolygon {
  const areas = new Map(parts.map((part) => [part, geo.geoArea(joined([part]))]));
  const [[largest, area]] = [...areas].sort(([, a], [, b]) => b - a) as [[Part, number]];
  const near = Math.max(0.14, 4 * Math.sqrt(area / Math.PI));
  return joined(
    parts.filter((part) =>
      areas.get(part)! > area / 4 || geo.geoDistance(part.centre, largest.centre) < near
    ),
  );
}

function joined(parts: Part[]): geo.MultiPolygon {
  return { type: "MultiPolygon", coordinates: parts.map(({ coordinates }) => coordinates) };
}

/** Only lines that two countries share, so that coasts and the cut at the date line have none. */
function bordersOf(atlas: Atlas, parts: Part[]): geo.MultiLineString {
  const { countries } = atlas.objects;
  const names = new Set(parts.map(({ shape }) => shape.properties.name));
  const geometries = countries.geometries.filter(({ properties }) =>
    names.has((properties as { name: string }).name)
  );
  return geo.mesh(atlas, { ...countries, geometries } as typeof countries, (a, b) => a !== b);
}
