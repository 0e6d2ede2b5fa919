// The countries of ISO 3166-1, as a field offers them. Kosovo has no code there: it is addressed with `XK`.
import { country } from "./format";
import { locale } from "./language";

const CODES =
  "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF " +
  "CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH " +
  "GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW " +
  "KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG " +
  "NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN " +
  "SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE " +
  "YT ZA ZM ZW";

export interface Country {
  code: string;
  name: string;
}

let sorted: readonly Country[] | null = null;

/** All countries by their names. */
export function countries(): readonly Country[] {
  sorted ??= CODES.split(" ")
    .map((code) => ({ code, name: country(code) }))
    .sort((a, b) => a.name.localeCompare(b.name, locale));
  return sorted;
}

/** Languages in which the name of a country is read, beside the one that is shown. */
const READ = ["en", "de"];

/** The code of a country by its code or name, whatever its case and accents. */
function codeOf(text: string): string | null {
  const given = text.trim().replaceAll("’", "'");
  const isGiven = (name: string | undefined) =>
    name?.replaceAll("’", "'").localeCompare(given, locale, { sensitivity: "base" }) === 0;
  const names = READ.map((tag) => new Intl.DisplayNames([tag], { type: "region" }));
  const found = countries().find(
    ({ code, name }) => isGiven(code) || isGiven(name) || names.some((all) => isGiven(all.of(code))),
  );
  return found?.code ?? null;
}

export const isCountry = (text: string): boolean => codeOf(text) !== null;

/** The code of a country by its code or name; another text as it is. */
export const countryCode = (text: string): string => codeOf(text) ?? text;
