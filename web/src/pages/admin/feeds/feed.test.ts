import { describe, expect, it } from "vitest";
import { body, typed } from "../edit/members";
import {
  changesOf,
  clockText,
  COLUMNS,
  countsText,
  datesText,
  HEADERS,
  sourceText,
  termsText,
  typeOf,
  type Counts,
} from "./feed";
import { feedKind, type FeedRecord } from "./kinds";

const feed: FeedRecord = {
  ...{ id: "01", name: "Season", kind: "SEASON", format: "CSV", url: null, folder: null, header_names: [] },
  ...{ airline_codes: ["AI"], columns: [{ given: "Flt No", column: "flight_number" }], every_minutes: 60 },
  ...{ apply: "REVIEW", cancels_absent: false, status: "ACTIVE", failures: 0, version: 3, changed_by: "02" },
  ...{ last_success_at: null, next_run_at: null, waiting_run_id: null, created_at: "", updated_at: "" },
};
const none: Counts = {
  ...{ created: 0, updated: 0, cancelled: 0, refused: 0, absent: 0, kept: 0, unchanged: 0, faults: 0 },
};
const terms = {
  ...{ destination: "LHR", departure_time: "22:00:00", departure_day_offset: 0, arrival_time: "01:10:00" },
  ...{ arrival_day_offset: 1, aircraft_code: "77X", weight_kg: 102_000, volume_m3: 653, positions: 37 },
  cutoff_minutes: 60,
};

describe("a feed in words", () => {
  it("has the host of its address, its folder, or files by hand as its source", () => {
    expect(sourceText({ url: "https://files.example.com/a/season.gz?key=1", folder: null })).toBe("files.example.com");
    expect(sourceText({ url: null, folder: "ai/season" })).toBe("ai/season");
    expect(sourceText({ url: null, folder: null })).toBe("files by hand");
  });
  it("sends its files by their type", () => {
    expect([typeOf({ format: "CSV" }), typeOf({ format: "SSIM" })]).toEqual(["text/csv", "text/plain"]);
    expect(typeOf({ format: "XLSX" })).toContain("spreadsheetml");
  });
});

describe("a run in words", () => {
  it("names what there is, faults first", () => {
    expect(countsText(none)).toBe("–");
    expect(countsText({ ...none, created: 1200, kept: 1 })).toBe("1,200 new, 1 kept by hand");
    expect(countsText({ ...none, faults: 1, absent: 2 })).toBe("1 fault, 2 absent");
  });
  it("gives dates by their number, the first and the last", () => {
    expect(datesText(["2026-12-01"])).toBe("1 Dec 2026");
    expect(datesText(["2026-12-01", "2026-12-03", "2027-01-05"])).toBe("3 dates, 1 Dec 2026 to 5 Jan 2027");
  });
  it("gives local times with their day", () => {
    expect([clockText("10:00:00", 0), clockText("01:10:00", 1), clockText("23:59:30", -1)]).toEqual([
      ...["10:00", "01:10+1", "23:59:30-1"],
    ]);
  });
  it("says what new flights are, and of changed ones what changes", () => {
    const whole = "LHR, 22:00–01:10+1, 77X, 102,000 kg, 653 m³, 37 ULD positions, cut-off 60 min";
    expect(termsText(terms)).toBe(whole);
    expect(changesOf({ from: null, to: terms })).toEqual([whole]);
    expect(changesOf({ from: null, to: null })).toEqual([]);
    const to = { ...terms, departure_time: "22:30:00", aircraft_code: null, cutoff_minutes: 90 };
    expect(changesOf({ from: terms, to })).toEqual([
      "departure 22:00 → 22:30",
      "aircraft 77X → –",
      "cut-off 60 min → 90 min",
    ]);
  });
});

describe("headers and columns as lines", () => {
  it("are parted at the first colon, and at the last equals sign", () => {
    expect(HEADERS.sent("Authorization: Basic YTpi==\n\n X-Key:a:b ")).toEqual([
      { name: "Authorization", value: "Basic YTpi==" },
      { name: "X-Key", value: "a:b" },
    ]);
    expect(COLUMNS.sent("Flt = No = flight_number\nEquipment=aircraft_code")).toEqual([
      { given: "Flt = No", column: "flight_number" },
      { given: "Equipment", column: "aircraft_code" },
    ]);
    expect(COLUMNS.sent("Flt No")).toEqual([{ given: "Flt No", column: "" }]);
  });
  it("are sent when they were typed anew, and emptied columns as none", () => {
    const { members } = feedKind(feed);
    const values = typed(members, feed);
    expect(values["columns"]).toBe("Flt No = flight_number");
    expect(body(members, values, feed)).toEqual({});
    expect(body(members, { ...values, columns: "", headers: "X-Key: 1" }, feed)).toEqual({
      columns: [],
      headers: [{ name: "X-Key", value: "1" }],
    });
    expect(body(members, { ...typed(members, null), name: "New", airline_codes: "AI LH" }, null)).toEqual({
      ...{ name: "New", kind: "SEASON", format: "CSV", airline_codes: ["AI", "LH"], every_minutes: 60 },
      ...{ apply: "REVIEW", cancels_absent: false },
    });
  });
  it("of a feed that has headers are named, but not shown", () => {
    const secret = { ...feed, header_names: ["authorization"] };
    const member = feedKind(secret).members.find(({ name }) => name === "headers");
    expect(member?.hint).toContain("authorization");
    expect(typed(feedKind(secret).members, secret)["headers"]).toBe("");
  });
});
