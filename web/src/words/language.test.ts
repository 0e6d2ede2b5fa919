import { afterEach, describe, expect, it, vi } from "vitest";
import { de } from "./de";
import { deAdmin } from "./de-admin";
import { deConsolidations } from "./de-consolidations";
import { deFeeds } from "./de-feeds";
import { deFreight } from "./de-freight";
import { deStations } from "./de-stations";
import { en } from "./en";
import { enAdmin } from "./en-admin";
import { enConsolidations } from "./en-consolidations";
import { enFeeds } from "./en-feeds";
import { enFreight } from "./en-freight";
import { enStations } from "./en-stations";
import { languageOf, localeOf } from "./language";

type Tree = { readonly [name: string]: string | ((...values: unknown[]) => string) | Tree };

/** Values that a text of figures and names may take: the first is a count, where the text counts. */
const SAMPLES = [
  [1, 1, 1, 1],
  [2, 3, 4, 5],
  ["A", "B", "C", "D"],
];
/** For what takes a day or a month. */
const OF_DAYS = /^time\.(weekday|month|day)$/;
const DAYS = [
  [1, 1],
  [5, 12],
];

/** Every text by the path of its name; of a function, what it makes of the samples. */
function texts(tree: Tree, path = ""): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, word] of Object.entries(tree)) {
    const at = path ? `${path}.${name}` : name;
    if (typeof word === "string") found.set(at, [word]);
    else if (typeof word === "function")
      found.set(
        at,
        (OF_DAYS.test(at) ? DAYS : SAMPLES).map((values) => String(word(...values))),
      );
    else for (const [below, all] of texts(word, at)) found.set(below, all);
  }
  return found;
}

// What a German forwarder writes as an English one does: names, codes, and forms that only put values together.
const SAME = [
  "book.cancellingTerms.term",
  "shell.name",
  "shell.about",
  "parts.fullness",
  "parts.faultOf",
  "parts.codeText",
  "parts.optional",
  "parts.members.name",
  "price.onFlight",
  "consolidations.page.name",
  "consolidations.parts.status",
  "consolidations.masters.status",
  "rates.currency",
  "rates.ofSource",
  "rates.perUnit",
  "session.name",
  "book.name",
  "booking.none",
  "bookings.status",
  "messages.channels.sms",
  "account.keyName",
  "webhooks.title",
  "webhooks.one",
  "webhooks.url",
  "webhooks.messageId",
  "webhooks.milliseconds",
  "documents.destination",
  "documents.origin",
  "documents.via",
  "documents.piece",
  "documents.totalWeight",
  "flight.manifest",
  "board.station",
  "board.status",
  "roles.admin",
  "admin.areas.airlines",
  "admin.areas.import",
  "admin.areas.feeds",
  "admin.audit.change",
  "admin.audit.kinds.airline",
  "admin.audit.kinds.station",
  "admin.audit.kinds.embargo",
  "admin.audit.kinds.webhook",
  "admin.audit.kinds.feed",
  "admin.audit.tables.airlines",
  "admin.audit.tables.manifest",
  "admin.audit.members.version",
  "admin.health.postgres",
  "admin.health.redis",
  "admin.health.milliseconds",
  "admin.messages.sections.webhooks",
  "admin.entries.members.name",
  "admin.rules.kinds.tariffs.called",
  "admin.rules.kinds.surcharges.called",
  "admin.rules.kinds.sales.called",
  "admin.rules.kinds.embargoes.called",
  "admin.rules.kinds.allotments.called",
  "admin.rules.kinds.tags.called",
  "admin.rules.kinds.collections.called",
  "admin.rules.hints.utc",
  "admin.rules.members.code",
  "admin.rules.members.name",
  "admin.rules.members.airline_code",
  "admin.rules.members.rate",
  "admin.rules.bases.FLAT",
  "admin.import.tables.airlines",
  "admin.analytics.ranked",
  "admin.analytics.daily.ms",
  "admin.analytics.demand.outcomes.EMBARGO",
  "admin.analytics.flights.dimension",
  "tips.link",
  "tips.station",
  "keepStations.entry",
  "keepStations.heading",
  "keepStations.name",
  "keepStations.version",
  "keepStations.pictures.logo",
];

const english = texts({
  ...en,
  ...enAdmin,
  ...enConsolidations,
  ...enFeeds,
  ...enFreight,
  ...enStations,
} as unknown as Tree);
const german = texts({
  ...de,
  ...deAdmin,
  ...deConsolidations,
  ...deFeeds,
  ...deFreight,
  ...deStations,
} as unknown as Tree);

describe("the German texts", () => {
  it("have the names of the English ones", () => {
    expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  });

  it("say something wherever the English ones do, with every value that these name", () => {
    for (const [name, all] of english)
      for (const [index, text] of all.entries()) {
        const translated = german.get(name)?.[index] ?? "";
        expect(translated.trim() === "", `${name}: ${translated}`).toBe(text.trim() === "");
        expect(translated, name).not.toMatch(/undefined|NaN|\[object/);
        const values = (of: string) => (index === 2 ? ["A", "B", "C", "D"].filter((value) => has(of, value)) : []);
        expect(values(translated), name).toEqual(values(text));
      }
  });

  it("are other texts, but for names, codes and forms", () => {
    const same = [...english].filter(([name, all]) => String(all) === String(german.get(name))).map(([name]) => name);
    expect(same.sort()).toEqual([...SAME].sort());
  });

  it("count by the rules of German", () => {
    const pieces = (count: number) => de.parts.pieces(count, String(count));
    expect([0, 1, 2].map(pieces)).toEqual(["0 Packstücke", "1 Packstück", "2 Packstücke"]);
    const options = (count: number) => de.search.found(count);
    expect([0, 1, 2].map(options)).toEqual([
      "0 Optionen sind buchbar.",
      "1 Option ist buchbar.",
      "2 Optionen sind buchbar.",
    ]);
    expect([0, 1, 2].map((count) => de.booking.unusual.leftAgo(de.time.span.days(count)))).toEqual([
      "Sollte vor 0 Tagen abfliegen.",
      "Sollte vor 1 Tag abfliegen.",
      "Sollte vor 2 Tagen abfliegen.",
    ]);
    expect(en.parts.pieces(0, "0")).toBe("0 pieces");
    const both = (text: (of: typeof en) => string) => [text(en), text(de)];
    expect(both((of) => of.parts.positions(1, "1"))).toEqual(["1 ULD position", "1 ULD-Position"]);
    expect(both((of) => of.account.perMinute(1, "1"))).toEqual(["1 request per minute", "1 Anfrage pro Minute"]);
    expect(both((of) => of.bookings.sure.cancel(1, "1"))).toEqual([
      "Cancel the 1 ticked booking?",
      "1 ausgewählte Buchung stornieren?",
    ]);
    expect(both((of) => of.bookings.sure.depart(2, "2"))).toEqual([
      "Depart the 2 ticked bookings?",
      "Abflug für 2 ausgewählte Buchungen melden?",
    ]);
  });
});

const has = (text: string, value: string) => new RegExp(`(^|[^A-Za-zÄÖÜäöüß])${value}($|[^A-Za-zÄÖÜäöüß])`).test(text);

describe("the language", () => {
  it.each([
    [[null, "de"], ["en-GB"], "de"],
    [[null, "en"], ["de-AT"], "en"],
    // The account's goes before that of the browser.
    [["de", "en"], ["en-GB"], "de"],
    [["it", "en"], ["de-DE"], "en"],
    [[null, null], ["de-AT", "en"], "de"],
    [[null, null], ["DE"], "de"],
    [[null, null], ["fr-FR"], "en"],
    [[null, null], ["fr-FR", "de-CH"], "de"],
    [[null, null], [], "en"],
    // A language of another release, or of nobody.
    [[null, "it"], ["de-DE"], "de"],
    [[null, "toString"], ["en-GB"], "en"],
  ])("of the choices %j and the browser's %j is %s", (chosen, preferred, language) => {
    expect(languageOf(chosen, preferred)).toBe(language);
  });

  it("has the browser's own form of its figures, and none of another language", () => {
    expect(localeOf("de", ["fr-FR", "de-CH", "de"])).toBe("de-CH");
    expect(localeOf("en", ["en-IN"])).toBe("en-IN");
    expect(localeOf("en", ["de-DE"])).toBe("en");
    expect(localeOf("de", ["en-GB"])).toBe("de");
  });
});

describe("in a German browser", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  async function german(chosen: string | null, preferred: readonly string[]) {
    vi.resetModules();
    vi.stubGlobal("document", {});
    vi.stubGlobal("navigator", { languages: preferred });
    const kept = new Map(chosen ? [["loadmaster.language", chosen]] : []);
    const reload = vi.fn();
    vi.stubGlobal("localStorage", {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => kept.set(name, text),
      removeItem: (name: string) => kept.delete(name),
    });
    vi.stubGlobal("window", { location: { reload } });
    const [{ words }, admin, format, parse, countries, language, units] = await Promise.all([
      import("./index"),
      import("./admin"),
      import("./format"),
      import("./parse"),
      import("./countries"),
      import("./language"),
      import("./units"),
    ]);
    return { words, admin: admin.words, format, parse, countries, language, units, kept, reload };
  }

  it("texts, figures, dates and countries are German", async () => {
    const { words, admin, format, parse, countries, units } = await german(null, ["de-DE", "en"]);
    expect(words.search.heading).toBe("Wohin geht Ihre Fracht?");
    expect(admin.admin.areas.tariffs).toBe("Tarife");
    expect(units.freight({ pieces: 1, weight_kg: 12345.5 })).toBe("1 Packstück, 12.345,5 kg");
    expect(parse.figure("1.200,5")).toBe(1200.5);
    expect(parse.entry(1200.5)).toBe("1200,5");
    expect(parse.canonical("1.200,5")).toBe("1200.5");
    expect(format.timeText("2026-12-02T08:35:00Z", "Asia/Kolkata")).toBe("Mi 2. Dez. 14:05 IST · 08:35Z");
    expect(format.fullDate("2026-03-05")).toBe("5. März 2026");
    expect(format.weekday(7)).toBe("So");
    expect(format.duration(560)).toBe("9 Std. 20 Min.");
    expect(format.remaining(53 * 3_600_000)).toBe("2 Tage 5 Std.");
    expect(format.country("AT")).toBe("Österreich");
    const names = countries.countries().map(({ name }) => name);
    // Sorted as German does: “Ö” beside “O”, not after “Z”.
    expect(names.indexOf("Österreich")).toBeLessThan(names.indexOf("Polen"));
  });

  it("a figure is German where German was chosen in an English browser, and the other way round", async () => {
    const chosen = await german("de", ["en-US"]);
    expect(chosen.format.kilograms(1200.5)).toBe("1.200,5 kg");
    expect(chosen.parse.figure("1.200")).toBe(1200);
    const english = await german("en", ["de-DE"]);
    expect(english.format.kilograms(1200.5)).toBe("1,200.5 kg");
    expect(english.parse.figure("1,200")).toBe(1200);
  });

  it("another choice is kept, and the page is loaded again", async () => {
    const { language, kept, reload } = await german(null, ["de-DE"]);
    expect(language.language).toBe("de");
    language.setLanguage("en");
    expect(kept.get("loadmaster.language")).toBe("en");
    expect(reload).toHaveBeenCalledOnce();
    expect((await german("en", ["de-DE"])).words.search.title).toBe("Search");
  });

  it("the language of an account is that of the next page, goes before a choice of the browser, and goes with its user", async () => {
    const { language, kept, reload } = await german("de", ["de-DE"]);
    language.keepAccountLanguage("en");
    expect([language.language, language.nextLanguage(), language.isOtherNext()]).toEqual(["de", "en", true]);
    expect(kept.get("loadmaster.language")).toBe("de");
    language.keepAccountLanguage(null);
    expect([language.nextLanguage(), language.isOtherNext()]).toEqual(["de", false]);
    expect([...kept]).toEqual([["loadmaster.language", "de"]]);
    expect(reload).not.toHaveBeenCalled();
  });
});
