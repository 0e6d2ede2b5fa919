// What browser tests of stations need: what a station says, and tips about it.
import { expect, type Caller, type Json, type World } from "./world";

export const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

const ALWAYS = { days: [1, 2, 3, 4, 5, 6, 7], from: "00:00", to: "24:00" };

/** Everything that a station can say, but tags. */
export const content = () => ({
  summary: "Perishables around the clock.",
  text: "Two halls.\nOne gate.",
  highlights: ["Cool chain", "Apron access"],
  capabilities: ["COOL_ROOM", "LIVE_ANIMALS"],
  hours: [
    { desk: "EXPORT", ...ALWAYS },
    { desk: "IMPORT", days: [1, 2, 3, 4, 5], from: "06:00", to: "22:00" },
  ],
  acceptance: [{ minutes_before: 240 }, { minutes_before: 90, product: "EXPRESS", handling_code: "PER" }],
  notices: [
    { text: "Gate 2 is closed.", from: inDays(-2), to: inDays(2) },
    { text: "The scanner is serviced.", from: inDays(5), to: inDays(6) },
  ],
  contacts: [{ desk: "EXPORT", name: "Duty manager", phone: "+49 30 555777", email: "duty@example.com" }],
});

/** Replaces what a station says. */
export async function written(staff: Caller, code: string, body: object): Promise<Json> {
  const path = `/api/v1/stations/${code}`;
  const { version } = await staff.get(path);
  const answer = await staff.ask("PUT", path, body, { "If-Match": `"${version}"` });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json();
}

/** A tip of a customer, which waits for a decision. */
export const tipOf = (customer: Caller, code: string, text: string, more: object = {}): Promise<Json> =>
  customer.post(`/api/v1/stations/${code}/tips`, { topic: "TRAFFIC", text, ...more });

/** The same, which staff has approved. */
export async function approvedTip(world: World, staff: Caller, code: string, text: string): Promise<Json> {
  const tip = await tipOf(await world.customer(), code, text, { link: "https://www.example.com/page" });
  return staff.post(`/api/v1/tips/${tip.id}/approve`);
}

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** An image of one pixel, as a field for files takes it. */
export const PNG = { name: "pixel.png", mimeType: "image/png", buffer: Buffer.from(PIXEL, "base64") };

/** Puts an image of a station or the logo of an airline. */
export async function pictured(admin: Caller, path: string): Promise<void> {
  const bytes = Uint8Array.from(atob(PIXEL), (letter) => letter.charCodeAt(0));
  const answer = await admin.ask("PUT", path, new Blob([bytes]), { "Content-Type": "image/png" });
  expect(answer.status, await answer.clone().text()).toBe(200);
}
