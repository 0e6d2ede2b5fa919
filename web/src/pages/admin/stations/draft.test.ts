import { expect, test } from "vitest";
import type { Station } from "../../stations/station";
import { bodyOf, BLANK, draftOf, toggled, withChosen } from "./draft";

const STATION: Station = {
  airport: {
    iata_code: "DEL",
    name: "Indira Gandhi",
    city: "New Delhi",
    country_code: "IN",
    time_zone: "Asia/Kolkata",
  },
  summary: "Perishables around the clock.",
  text: "Two halls.\nOne gate.",
  highlights: ["Cool chain", "Apron access"],
  tags: ["pharma-hub"],
  capabilities: ["COOL_ROOM"],
  hours: [{ desk: "EXPORT", days: [1, 2], from: "06:00", to: "24:00" }],
  acceptance: [
    { minutes_before: 1240, product: null, handling_code: null },
    { minutes_before: 90, product: "EXPRESS", handling_code: "PER" },
  ],
  notices: [{ text: "Gate 2 is closed.", from: "2026-12-01", to: "2026-12-02", is_current: true }],
  contacts: [{ desk: "EXPORT", name: null, phone: "+4930555777", email: null }],
  image_url: null,
  is_featured: false,
  version: 3,
  updated_at: "2026-11-20T08:00:00Z",
};

test("a station that is saved as it was says the same", () => {
  expect(bodyOf(draftOf(STATION))).toEqual({
    summary: STATION.summary,
    text: STATION.text,
    highlights: STATION.highlights,
    tags: STATION.tags,
    capabilities: STATION.capabilities,
    hours: STATION.hours,
    acceptance: [{ minutes_before: 1240 }, { minutes_before: 90, product: "EXPRESS", handling_code: "PER" }],
    notices: [{ text: "Gate 2 is closed.", from: "2026-12-01", to: "2026-12-02" }],
    contacts: [{ desk: "EXPORT", phone: "+4930555777" }],
  });
});

test("what is empty is left out, rows keep their places, and what is no number goes as it was typed", () => {
  const draft = {
    ...{ summary: " ", text: "", highlights: "\n One \n\n", tags: [], capabilities: [] },
    hours: [{ ...BLANK.hours(), days: "" }, BLANK.hours()],
    acceptance: [BLANK.acceptance(), { minutes: "soon", product: " ", code: "AVI" }],
    notices: [BLANK.notices()],
    contacts: [BLANK.contacts()],
  };
  expect(bodyOf(draft)).toEqual({
    ...{ highlights: [" One "], tags: [], capabilities: [] },
    hours: [
      { desk: "EXPORT", days: [], from: "", to: "" },
      { desk: "EXPORT", days: [1, 2, 3, 4, 5], from: "", to: "" },
    ],
    acceptance: [{}, { minutes_before: "soon", handling_code: "AVI" }],
    notices: [{}],
    contacts: [{ desk: "EXPORT" }],
  });
});

test("what is chosen and not offered any more can be taken off", () => {
  expect(withChosen(["a", "b"], ["c", "a"])).toEqual(["a", "b", "c"]);
  expect(toggled(["a"], "b", true)).toEqual(["a", "b"]);
  expect(toggled(["a", "b"], "a", false)).toEqual(["b"]);
  expect(toggled(["a"], "a", true)).toEqual(["a"]);
});
