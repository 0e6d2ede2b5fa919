import { describe, expect, it } from "vitest";
import { recognise } from "./recognise";

const TODAY = "2026-11-28";

describe("a text is recognised", () => {
  it.each(["ACB706597898", "acb706597898", " ACB 706 597 898 ", "ACB-706597898"])(
    "as the reference ACB706597898: %s",
    (text) => {
      expect(recognise(text, TODAY)).toEqual({ reference: "ACB706597898", awb: null, isCertain: true, flight: null });
    },
  );

  it.each(["706597898", "706 597 898"])("as a number that may be the reference ACB706597898: %s", (text) => {
    expect(recognise(text, TODAY)).toEqual({ reference: "ACB706597898", awb: null, isCertain: false, flight: null });
  });

  it.each([
    "020-12345675",
    "020-1234 5675",
    "02012345675",
    "020 1234 5675",
    "020–12345675",
    "AWB 020-12345675",
    "mawb: 020-1234 5675",
    "AWB02012345675",
  ])("as the air waybill number 020-12345675: %s", (text) => {
    expect(recognise(text, TODAY)).toEqual({ reference: null, awb: "020-12345675", isCertain: true, flight: null });
  });

  it.each([
    ["AI131", "AI131", null],
    ["ai 131", "AI131", null],
    ["AI-0131", "AI131", null],
    ["5x 7", "5X7", null],
    ["LH8400A", "LH8400A", null],
    ["AI131 2026-12-02", "AI131", "2026-12-02"],
    ["AI131/02DEC", "AI131", "2026-12-02"],
    ["ai131 2 dec", "AI131", "2026-12-02"],
    ["AI131 2 December 2026", "AI131", "2026-12-02"],
    ["AI131 02DEC26", "AI131", "2026-12-02"],
    // The nearest year.
    ["AI131 03JAN", "AI131", "2027-01-03"],
    ["AI131 20NOV", "AI131", "2026-11-20"],
  ])("as a flight: %s", (text, number, date) => {
    expect(recognise(text, TODAY).flight).toEqual({ number, date });
  });

  it.each([
    ["AI131 02DEZ", "2026-12-02"],
    ["AI131 2. Dez.", "2026-12-02"],
    ["AI131 2. März 2027", "2027-03-02"],
    ["AI131 02DEC", "2026-12-02"],
    ["AI131 2.12.", "2026-12-02"],
    ["AI131 02.12.2026", "2026-12-02"],
    ["AI131 3.1", "2027-01-03"],
  ])("as a flight by a German date: %s", (text, date) => {
    expect(recognise(text, TODAY, "de").flight).toEqual({ number: "AI131", date });
  });

  // A date that is not typed to its end, that no calendar has, or of another language: not the flight of today.
  it.each(["AI131 02D", "AI131 31FEB", "AI131 2.12.", "AI131 02DEZ"])("as no flight: %s", (text) => {
    expect(recognise(text, TODAY, "en").flight).toBeNull();
  });

  it.each(["", "ACB12", "020-12345674", "delhi", "AI", "12345", "to boxes", "AI0000", "AI131 boxes"])(
    "as no number: %s",
    (text) => {
      expect(recognise(text, TODAY)).toEqual({ reference: null, awb: null, isCertain: false, flight: null });
    },
  );
});
