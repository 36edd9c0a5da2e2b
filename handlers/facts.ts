/**
 * What there is to say of a country, as text: for its own page, and side by side with another.
 * @module
 */

import { countries, type Country } from "./countries.ts";

/** Facts by name, the same for every country; `""` where there is nothing to say. */
export function factsOf(country: Country, unit?: string): Record<string, string> {
  const { name, capital, region, subregion, idd, tld, cca2, cca3, unMember, demonyms } = country;
  const money = Object.entries(country.currencies).map(([code, { name }]) => `${name} (${code})`);
  const size = unit === "mi" ? country.area / 2.589988 : country.area;
  const digits = { maximumFractionDigits: size < 10 ? 2 : 0 };
  const codes = idd.suffixes.map((suffix) => idd.root + suffix);
  const rank = countries.filter(({ area }) => area > country.area).length + 1;
  const area = `${size.toLocaleString("en", digits)} ${unit === "mi" ? "square miles" : "km²"}`;
  return {
    "Official name": name.official,
    "In its languages": list(Object.values(name.native).map(({ common }) => common)),
    "Capital": list(capital),
    "Region": list([region, subregion]),
    "Area": size > 0 ? `${area}, number ${rank} of the world` : "", // not all are known
    "Coast": country.landlocked ? "none, it is landlocked" : "yes",
    "People": demonyms.eng?.m ?? "",
    "Languages": list(Object.values(country.languages)) || "none is official",
    "Money": list(money) || "none of its own",
    "United Nations": unMember && cca2 !== "VA" ? "member" : "not a member", // the data errs on the Vatican
    "Calling code": codes.length > 3 ? idd.root : list(codes), // many are regions of one country
    "Internet": list(tld),
    "Codes": list([cca2, cca3]),
  };
}

/** The times of day in a country now, each with some of the places that have it. */
export function localTimes({ cca2 }: Country, unit?: string): [time: string, places: string][] {
  const locale = unit === "mi" ? "en-US" : "en-GB"; // who counts in miles counts hours to twelve
  const format = { weekday: "short", hour: "numeric", minute: "2-digit" } as const;
  const region = cca2 === "XK" ? "RS" : cca2; // Kosovo has no zone of its own
  const zones = new Intl.Locale("und", { region }).getTimeZones() ?? [];
  const clocks = zones.map((zone) => Temporal.Now.zonedDateTimeISO(zone))
    .toSorted((a, b) => a.offsetNanoseconds - b.offsetNanoseconds);
  const byOffset = Map.groupBy(clocks, (clock) => clock.offsetNanoseconds);
  return [...byOffset.values()].map((clocks) => {
    const places = clocks.slice(0, 3).map(({ timeZoneId }) => timeZoneId.split("/").at(-1)!);
    const text = list(places).replaceAll("_", " ") + (clocks.length > 3 ? " …" : "");
    return [clocks[0]!.toLocaleString(locale, format), text];
  });
}

function list(words: string[]): string {
  return [...new Set(words)].filter((word) => word !== "").join(", ");
}
