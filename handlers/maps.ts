/**
 * Draws maps as SVG. That is the site's heaviest work, and so only pagelets import this.
 * @module
 */

import { type Country, pathOf } from "./countries.ts";
import { html, raw } from "./deps.ts";
import type { Atlas } from "./deps/atlas_50m.js";
import * as geo from "./deps/geo.ts";
import type { Html } from "./html.ts";

/** A piece of a country's land, in a circle (in radians) that tells quickly whether it is in view. */
type Land = geo.Polygon & { id: string; name: string; centre: Point; radius: number };
type Point = [x: number, y: number];

// Begun when a worker starts, so that the first map need not wait for all of it; kept for good.
const coarse = import("./deps/atlas_110m.js").then(({ atlas }) => landOf(atlas));
const fine = import("./deps/atlas_50m.js").then(({ atlas }) => landOf(atlas));

/** The world with every country a link: its shape, or a dot where it is too small to have one. */
export async function drawWorld(countries: readonly Country[]): Promise<Html> {
  const projection = geo.geoNaturalEarth1().precision(2)
    .rotate([-11, 0]) // the map is cut in the Bering Strait then, and Russia stays whole
    .fitExtent([[4, 4], [996, 496]], { type: "Sphere" });
  const draw = geo.geoPath(projection).digits(0);
  const land = Map.groupBy(await coarse, ({ id }) => id);
  const links = countries.map((country) => {
    const own = land.get(idOf(country));
    const [x, y] = projection([country.latlng[1], country.latlng[0]])!.map(Math.round);
    land.delete(idOf(country));
    const dot = `<circle class="dot" cx="${x}" cy="${y}" r="3"/>`;
    const mark = raw(own ? `<path d="${draw(join(own))}"/>` : dot);
    return html`<a href="${pathOf(country)}"><title>${country.name.common}</title>${mark}</a>`;
  });
  const rest = draw(join([...land.values()].flat())) ?? ""; // land that is none of the countries'
  const map = svg("0 0 1000 500", "group", "World map", [raw(`<path d="${rest}"/>`), ...links]);
  return html`<a class="skip" href="#all">Skip the map</a>${map}`;
}

/**
 * A country among its neighbours, north up at its middle, at a scale that also `beside` fits: the maps
 * of a pair have one scale, and the projection keeps areas true, so that they can be compared.
 */
export async function drawCountry(country: Country, beside = country): Promise<Html> {
  const views = await Promise.all([...new Set([country, beside])].map(fit));
  const { land, projection, centre, focus } = views[0]!;
  const zoom = Math.min(...views.map((one) => one.projection.scale())) / projection.scale();
  const [left, top] = projection.translate();
  projection.scale(zoom * projection.scale())
    .translate([360 + zoom * (left - 360), 240 + zoom * (top - 240)]);
  const corners: Point[] = [[0, 0], [720, 0], [0, 480], [720, 480]];
  const distances = corners.map((at) => geo.geoDistance(centre, projection.invert!(at)!));
  const reach = Math.max(...distances) || Math.PI; // NaN beyond the globe's edge, on the widest maps
  const inView = land.filter((one) => geo.geoDistance(centre, one.centre) < reach + one.radius);
  const own = inView.filter(({ id }) => id === idOf(country));
  const others = inView.filter(({ id }) => id !== idOf(country));
  const draw = geo.geoPath(projection.clipExtent([[-2, -2], [722, 482]])).digits(1);

  const names = new Map<string, Point>(); // one a country, where there is room, and none over another
  for (const one of others.toSorted((a, b) => b.radius - a.radius)) {
    if (names.has(one.name) || one.radius < reach / 10 || draw.area(one) < 2500) continue;
    const [x, y] = draw.centroid(one);
    const isFree = names.values().every(([a, b]) => Math.abs(a - x) > 90 || Math.abs(b - y) > 16);
    if (isFree && x > 50 && x < 670 && y > 24 && y < 466) names.set(one.name, [x | 0, y | 0]);
  }
  const [x, y] = projection(focus[0]?.centre ?? centre)!.map(Math.round);
  const ring = `<circle class="ring" cx="${x}" cy="${y}" r="14"/>`;
  return svg("0 0 720 480", "img", `Map of ${country.name.common} and its surroundings`, [
    raw(`<path d="${draw(join(others)) ?? ""}"/><path class="here" d="${draw(join(own)) ?? ""}"/>`),
    raw(draw.area(join(focus)) < 400 ? ring : ""), // too small to be seen
    ...[...names].map(([name, [x, y]]) => html`<text x="${x}" y="${y}">${name}</text>`),
  ]);
}

/** A country alone and small, as decoration beside its name. */
export async function drawSmall(country: Country): Promise<Html> {
  const { projection, focus } = await aim(country, 1e5);
  const draw = geo.geoPath(projection.fitExtent([[4, 4], [92, 60]], join(focus))).digits(1);
  const mark = focus.length > 0 ? `<path d="${draw(join(focus))}"/>` : `<path d="M48,32h0"/>`;
  return html`<svg class="small" viewBox="0 0 96 64" aria-hidden="true">${raw(mark)}</svg>`;
}

/** Aims at a country, with the country and its surroundings inside the map. */
async function fit(country: Country) {
  const view = await aim(country, 1e6);
  const around = geo.geoCircle().center(view.centre).radius(Math.max(1.5, sizeOf(country)))();
  view.projection.fitExtent([[60, 60], [660, 420]], join([around, ...view.focus]));
  return view;
}

/**
 * Turns the globe to what matters of a country: its largest piece of land, and what is near to that or
 * large itself. So the map of the United States has Alaska, but that of France not the Pacific. Once
 * turned, the date line, the poles and the distortion are elsewhere. Of a country larger than
 * `largeKm2` the coarse atlas has all that one will see.
 */
async function aim(country: Country, largeKm2: number) {
  const land = await (country.area > largeKm2 ? coarse : fine);
  const own = land.filter(({ id }) => id === idOf(country)).toSorted((a, b) => b.radius - a.radius);
  const near = Math.max(8, 4 * sizeOf(country)) * Math.PI / 180;
  const focus = own.filter(({ centre, radius }) =>
    radius > own[0]!.radius / 2 || geo.geoDistance(centre, own[0]!.centre) < near
  );
  const [lat, lon] = country.latlng;
  const centre: Point = own.length > 0 ? geo.geoCentroid(join(focus)) : [lon, lat];
  const projection = geo.geoAzimuthalEqualArea().precision(0).rotate([-centre[0], -centre[1]])
    .preclip((stream) => stream); // land behind the globe is left out by its circle
  return { land, projection, centre, focus };
}

/** The radius, in degrees, of a disc as large as the country; areas are in square kilometres. */
function sizeOf({ area }: Country): number {
  return Math.sqrt(Math.max(area, 1) / Math.PI) / 111.2;
}

/** All land of an atlas; what it has cut at the date line is whole again. */
function landOf(atlas: Atlas): Land[] {
  const { features } = geo.geoStitch(geo.feature(atlas, atlas.objects.countries));
  return features.flatMap(({ id, properties: { name }, geometry }) => {
    const { type, coordinates } = geometry as geo.Polygon | geo.MultiPolygon;
    return (type === "Polygon" ? [coordinates] : coordinates).map((coordinates): Land => {
      const coast = coordinates[0]!;
      const points = coast.filter((_, i) => i % Math.ceil(coast.length / 30) === 0) as Point[];
      const centre = geo.geoCentroid({ type: "MultiPoint", coordinates: points });
      const radius = 1.1 * Math.max(...points.map((point) => geo.geoDistance(centre, point)));
      return { type: "Polygon", coordinates, id: String(id ?? name), name, centre, radius };
    });
  });
}

/** Land carries its country's number; Kosovo has none and is known by its name. */
function idOf({ ccn3, name }: Country): string {
  return ccn3 || name.common;
}

/** A drawing; `label` is for those who do not see it. */
function svg(box: string, role: "img" | "group", label: string, content: Html[]): Html {
  return html`<svg class="map" viewBox="${box}" role="${role}" aria-label="${label}">${content}</svg>`;
}

function join<T extends geo.Polygon>(geometries: T[]) {
  return { type: "GeometryCollection" as const, geometries };
}
