import { describe, expect, it } from "vitest";
import { actOptions, actText, changesOf, subjectOf, type Act } from "./acts";

const act = (name: string, subject_kind: string, subject_id: string, data: object = {}): Act => ({
  id: "1",
  act: name,
  actor_id: null,
  subject_kind,
  subject_id,
  data: data as Act["data"],
  request_id: null,
  acted_at: "2026-11-24T20:00:00Z",
});

describe("acts in words", () => {
  it("describes an act, and one that is new by its name", () => {
    expect(actText("flight.changed")).toBe("Flight changed");
    expect(actText("alert.deleted")).toBe("Alert deleted");
    expect(actText("ship.sunk")).toBe("ship.sunk");
  });

  it("offers an act of the address that is not known", () => {
    expect(actOptions("ship.sunk").map((option) => option.value)).toContain("ship.sunk");
    expect(actOptions("").every((option) => option.label !== option.value)).toBe(true);
  });

  it("leads to the page of a booking by its reference, never by its id", () => {
    const refund = act("booking.refunded", "booking", "01a2", { ref_id: "ACB123456789" });
    expect(subjectOf(refund)).toEqual({ text: "Booking ACB123456789", href: "/bookings/ACB123456789" });
    const capture = act("payment.capture", "payment", "01a3", { booking_ref: null, payment_id: "01a3" });
    expect(subjectOf(capture)).toEqual({ text: "Payment", href: null });
  });

  it("leads to pages of rules, keys, webhooks and tables", () => {
    const of = (...given: Parameters<typeof act>) => subjectOf(act(...given));
    expect(of("tariff.ended", "tariff", "01", { code: "T-1" })).toEqual({ text: "Tariff T-1", href: "/admin/tariffs" });
    expect(of("sale.created", "sale", "01", { code: null, origin: "GRU", destination: "LHR" }).text).toBe(
      "Sale GRU–LHR",
    );
    expect(of("embargo.ended", "embargo", "01", { name: "HALL" }).href).toBe("/admin/embargoes");
    expect(of("webhook.changed", "webhook", "01").href).toBe("/admin/messages?webhook=01");
    expect(of("webhook.deleted", "webhook", "01").href).toBeNull();
    expect(of("feed.run_applied", "feed", "01")).toEqual({ text: "Feed", href: "/admin/feeds/01" });
    expect(of("feed.deleted", "feed", "01").href).toBeNull();
    expect(of("alert.deleted", "alert", "01")).toEqual({ text: "Alert", href: "/admin/alerts" });
    expect(of("airports.imported", "airports", "all")).toEqual({ text: "Airports", href: "/admin/airports" });
    expect(of("flights.imported", "schedule", "flights")).toEqual({ text: "Flights", href: "/flights" });
    expect(of("users.exported", "users", "export").text).toBe("Users");
    expect(of("schedule.run", "schedule", "expired_tokens").text).toBe("Schedule expired_tokens");
    expect(of("ship.sunk", "space_ship", "01")).toEqual({ text: "space ship", href: null });
  });

  it("names what is different, and leaves out what is empty in a whole state", () => {
    const changes = (name: string, data: object) => changesOf(act(name, "any", "01", data));
    expect(
      changes("user.changed", { role: { from: "customer", to: "admin" }, disabled: { from: false, to: true } }),
    ).toEqual(["Role: Customer → Administrator", "Disabled: No → Yes"]);
    expect(changes("flight.changed", { flight_number: "AI1", offloaded: [], version: 5 })).toEqual(["Version: 5"]);
    expect(changes("aircraft.created", { is_freighter: false })).toEqual(["Freighter: No"]);
    expect(changes("api_key.changed", { rate_limit_per_minute: null })).toEqual(["Limit of requests per minute: –"]);
    expect(
      changes("tariff.changed", {
        version: 3,
        airline_code: null,
        breaks: [[450, "10"]],
        minimum: { amount: "80.00", currency: "USD" },
        valid_from: "2026-11-24",
      }),
    ).toEqual([
      "Weight breaks: from 450 kg 10",
      expect.stringMatching(/^Minimum charge: .*80\.00$/),
      "First departure date: 24 Nov 2026",
      "Version: 3",
    ]);
  });
});
