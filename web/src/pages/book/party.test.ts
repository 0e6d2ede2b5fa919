import { expect, it } from "vitest";
import { isEmpty, isSame, membersOf, nobody, partyOf } from "./party";

const nordwerk = { ...nobody(), name: "Nordwerk", city: "Bremen", country_code: "DE" };

it("shows the members of a party that the form has fields for", () => {
  const party = { name: "Nordwerk", account_number: "4711", street: null, city: "Bremen", country_code: "DE" };
  expect(partyOf(party)).toEqual(nordwerk);
  expect(partyOf({ ...party, id: "1", version: 3 } as typeof party)).toEqual(nordwerk);
  expect(partyOf(null)).toEqual(nobody());
});

it("sends an empty text as nothing", () => {
  expect(membersOf({ ...nordwerk, city: " Bremen ", street: "  " })).toEqual({
    ...{ name: "Nordwerk", street: null, postal_code: null, city: "Bremen", country_code: "DE", phone: null },
    email: null,
  });
});

it("says whether two say the same, and whether one says anything", () => {
  expect(isSame(nordwerk, { ...nordwerk, city: "Bremen " })).toBe(true);
  expect(isSame(nordwerk, { ...nordwerk, phone: "1" })).toBe(false);
  expect([isEmpty(nobody()), isEmpty({ ...nobody(), phone: " " }), isEmpty(nordwerk)]).toEqual([true, true, false]);
});
