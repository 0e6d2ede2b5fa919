// Consolidations: invited, joined, filled, held, booked, split and printed by two organizations; each is asserted by what the API says.
import { randomInt } from "node:crypto";
import {
  cell,
  created,
  FIRST,
  flights,
  holdBoth,
  invitation,
  joined,
  masterRow,
  part,
  partRow,
  path,
  priced,
  searched,
  SECOND,
  TO,
  whole,
} from "./consolidations";
import { awb, expect, signIn, test, type Json } from "./world";

test("two organizations go from an invitation to booked masters, their split and a manifest", async ({
  browser,
  page,
  world,
}) => {
  const [owner, member] = [await world.verifiedCustomer(), await world.verifiedCustomer()];
  const of = await flights(world, 100);
  await priced(world, async () => {
    // The owner makes it, and invites.
    await signIn(page, owner, "/consolidations");
    await page.getByRole("link", { name: "New consolidation" }).click();
    const terms = page.locator("[data-terms]");
    await terms.getByLabel("Name").fill("Raipur, week 50");
    await terms.getByLabel("Origin").fill(FIRST);
    await terms.getByLabel("Destination").fill(TO);
    await terms.getByRole("button", { name: "Create the consolidation" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Raipur, week 50");
    const [listed, ...others] = await owner.get("/api/v1/consolidations");
    expect(others).toEqual([]);
    expect(listed).toMatchObject({
      name: "Raipur, week 50",
      destination: TO,
      status: "PLANNING",
      members: 1,
      parts: 0,
    });
    const invite = page.locator("[data-invite]");
    await invite.getByLabel("E-mail address").fill(member.email);
    await invite.getByLabel("Origin").fill(SECOND);
    await invite.getByRole("button", { name: "Send the invitation" }).click();
    await expect(page.locator("[data-sent]")).toContainText(member.email);
    await expect(page.locator("[data-members]")).toContainText("Invited");

    // The member opens the link, signs in, and accepts.
    const context = await browser.newContext({ baseURL: world.url });
    const other = await context.newPage();
    await other.goto(await invitation(world, member.email));
    await other.getByRole("main").getByRole("link", { name: "Sign in" }).click();
    const form = other.locator("main form", { has: other.locator("[name=password]") });
    await form.locator("[name=email]").fill(member.email);
    await form.locator("[name=password]").fill(member.password);
    await form.locator("[type=submit]").click();
    await expect(other.getByLabel("Code of the invitation")).not.toHaveValue("");
    await other.getByRole("button", { name: "Accept" }).click();
    await expect(other).toHaveURL(new RegExp(`/consolidations/${listed.id}$`));
    expect((await whole(member, listed)).members.map((it: Json) => it.status)).toEqual(["ACCEPTED", "ACCEPTED"]);

    // Each types a part.
    await cell(other, "House number", 1).fill("H-2");
    await cell(other, "Pieces", 1).fill("3");
    await cell(other, "Weight (kg)", 1).fill("120");
    await cell(other, "Shipper", 1).fill("Sunrise Textiles");
    await other.getByRole("button", { name: "Add 1 part" }).click();
    await expect(other.locator("[data-added]")).toHaveText("1 added, 0 refused.");
    await part(owner, listed, { house_number: "H-1", weight_kg: 60 });
    await part(owner, listed, { house_number: "H-3", weight_kg: 60 });
    const { parts } = await whole(owner, listed);
    const theirs = parts.find((it: Json) => it.house_number === "H-2");
    expect(theirs).toMatchObject({ ...{ origin: SECOND, pieces: 3, weight_kg: 120, status: "READY" } });

    // The owner searches, and holds what saves: two parts reach a break together.
    await page.getByRole("button", { name: "Read again" }).click();
    await expect(page.locator("[data-sums]")).toContainText("2 parts: 4 pieces, 120 kg");
    const combination = await searched(page, of);
    const day = of[0].departure_local.slice(0, 10);
    const options = await owner.post(`${path(listed)}/search`, { departure_date: day, price: true });
    const ids = of.map(({ id }) => id).sort();
    const option = options.find(
      ({ ways }: Json) =>
        String(ways.flatMap((way: Json) => way.flights.map((it: Json) => it.id)).sort()) === String(ids),
    );
    expect(Number(option.saving.amount)).toBeGreaterThan(0);
    await expect(combination.locator("[data-saving]")).toContainText(option.saving.amount);
    await expect(combination.locator("[data-price]")).toContainText(option.price.amount);
    await combination.getByRole("button", { name: "Hold these flights" }).click();
    await expect(page.getByRole("timer").first()).toBeVisible();
    await expect(masterRow(page, FIRST)).toContainText("Held");
    await expect(masterRow(page, SECOND)).toContainText("Held");
    const held = await whole(owner, listed);
    expect(held.masters.map(({ origin, status }: Json) => [origin, status])).toEqual([
      [SECOND, "HELD"],
      [FIRST, "HELD"],
    ]);

    // Both are booked.
    const number = awb();
    await page.getByLabel(`AWB number from ${FIRST}`).fill(number);
    await page.getByRole("button", { name: "Book", exact: true }).click();
    await expect(page.locator("[data-result]")).toBeFocused();
    await expect(page.locator("[data-status]")).toHaveText("Booked");
    const { status, masters } = await whole(owner, listed);
    expect(status).toBe("BOOKED");
    const [second, first] = masters;
    expect((await owner.get(`/api/v1/bookings/${first.booking_ref}`)).awb_number).toBe(number);
    await expect(masterRow(page, FIRST)).toContainText(first.booking_ref);

    // The split: what each pays is what the API says.
    const split = await owner.get(`${path(listed)}/split`);
    const due = (organization: string) =>
      split.masters
        .flatMap(({ lines }: Json) => lines.flatMap(({ shares }: Json) => shares))
        .filter((share: Json) => share.organization_id === organization)
        .reduce((sum: number, share: Json) => sum + Math.round(Number(share.amount.amount) * 100), 0);
    await expect(page.locator(`[data-due="${theirs.organization_id}"]`)).toContainText(
      (due(theirs.organization_id) / 100).toFixed(2),
    );
    expect(due(theirs.organization_id)).toBeGreaterThan(0);
    // The member sees the share, and no link to the owner's booking.
    await other.reload();
    await expect(other.locator("[data-due]")).toHaveCount(1);
    await expect(masterRow(other, SECOND)).toContainText(second.booking_ref);
    await expect(masterRow(other, SECOND).getByRole("link", { name: second.booking_ref })).toHaveCount(0);

    // The manifest has the house shipments of its origin, and prints without what only acts.
    await masterRow(page, SECOND).getByRole("link", { name: "House manifest" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`House manifest ${SECOND} – ${TO}`);
    await expect(page.locator("[data-house]")).toHaveCount(1);
    await expect(page.locator("[data-house]")).toContainText("H-2");
    await expect(page.locator("[data-house]")).toContainText("Sunrise Textiles");
    await expect(page.locator("[data-totals]")).toContainText("3 pieces, 120 kg");
    await page.emulateMedia({ media: "print" });
    await expect(page.getByRole("button", { name: "Print" })).toBeHidden();
    await expect(page.locator("[data-house]")).toBeVisible();
    await context.close();
  });
});

test("a hold that is refused at one origin keeps nothing, and says where", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const of = await flights(world, 130, 200);
  const one = await created(owner);
  await part(owner, one);
  await part(owner, one, { origin: SECOND });
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  const combination = await searched(page, of);
  // Somebody else takes the space of the second flight meanwhile.
  await world.book(await world.customer(), [of[1]], 190);
  await combination.getByRole("button", { name: "Hold these flights" }).click();
  await expect(page.locator("[data-hold-refused]")).toContainText(`Refused from ${SECOND}`);
  expect((await whole(owner, one)).masters.filter(({ status }: Json) => status === "HELD")).toEqual([]);
  expect(await owner.get("/api/v1/holds?status=ACTIVE")).toEqual([]);
  await expect(page.getByRole("timer")).toHaveCount(0);
});

test("a number that is taken leaves its master held, and the others are booked", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const of = await flights(world, 160);
  const taken = awb();
  await world.book(await world.customer(), [of[0]], 10, { awb_number: taken });
  const one = await created(owner);
  await part(owner, one);
  await part(owner, one, { origin: SECOND });
  await holdBoth(owner, one, of);
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  await page.getByLabel(`AWB number from ${FIRST}`).fill(taken);
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(page.locator("[data-refused]")).toContainText(`Master from ${FIRST}`);
  await expect(masterRow(page, FIRST)).toContainText("Held");
  await expect(masterRow(page, SECOND)).toContainText("Booked");
  const statusOf = async (origin: string) =>
    (await whole(owner, one)).masters.find((it: Json) => it.origin === origin).status;
  expect([await statusOf(FIRST), await statusOf(SECOND)]).toEqual(["HELD", "BOOKED"]);
  // With another number the rest is booked.
  await page.getByLabel(`AWB number from ${FIRST}`).fill(awb());
  await page.getByRole("button", { name: "Book", exact: true }).click();
  await expect(masterRow(page, FIRST)).toContainText("Booked");
  await expect.poll(() => statusOf(FIRST)).toBe("BOOKED");
  await expect(page.locator("[data-book]")).toHaveCount(0);
});

test("holds are released, and a booked master is adjusted to its parts", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const of = await flights(world, 190);
  const one = await created(owner);
  await part(owner, one);
  const second = await part(owner, one, { origin: SECOND });
  await holdBoth(owner, one, of);
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  await page.getByRole("button", { name: "Release the holds" }).click();
  await page.getByRole("button", { name: /^Release the holds(?! …)/ }).click();
  await expect(page.locator("[data-book]")).toHaveCount(0);
  expect(await owner.get("/api/v1/holds?status=ACTIVE")).toEqual([]);
  await holdBoth(owner, one, of);
  await owner.post(`${path(one)}/book`);
  // A part becomes heavier: its master differs, until it is adjusted.
  await page.getByRole("button", { name: "Read again" }).click();
  await expect(masterRow(page, SECOND)).toContainText("Booked");
  await partRow(page, second).getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Weight (kg)").fill("75");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(masterRow(page, SECOND)).toContainText("sum to something else");
  await masterRow(page, SECOND).getByRole("button", { name: "Adjust to the parts" }).click();
  await expect(masterRow(page, SECOND)).not.toContainText("sum to something else");
  const { masters } = await whole(owner, one);
  const master = masters.find((it: Json) => it.origin === SECOND);
  expect(master).toMatchObject({ differs: false, weight_kg: 75 });
  expect((await owner.get(`/api/v1/bookings/${master.booking_ref}`)).weight_kg).toBe(75);
});

test("a member reads no other's texts, changes only its own parts, and leaves", async ({ page, world }) => {
  const [owner, member] = [await world.verifiedCustomer(), await world.verifiedCustomer()];
  const one = await created(owner);
  await joined(world, owner, one, member);
  const theirs = await part(owner, one, {
    ...{ house_number: "SECRET-1", description: "secret silk", shipper: { name: "Secret Shipper" } },
  });
  const own = await part(member, one, { origin: SECOND, status: "DRAFT", description: "cotton" });
  await signIn(page, member);
  await page.goto(`/consolidations/${one.id}`);
  await expect(partRow(page, theirs)).toContainText("60 kg");
  await expect(page.getByRole("main")).not.toContainText(/secret/i);
  await expect(partRow(page, theirs).getByRole("button")).toHaveCount(0);
  await expect(partRow(page, theirs).getByRole("combobox")).toHaveCount(0);
  await expect(page.locator("[data-group-search], [data-invite]")).toHaveCount(0);
  await partRow(page, own).getByRole("combobox").selectOption("READY");
  await expect(page.locator("[data-sums]")).toContainText(`${SECOND}`);
  await expect
    .poll(async () => (await whole(member, one)).parts.find((it: Json) => it.id === own.id).status)
    .toBe("READY");
  await page.getByRole("button", { name: "Leave" }).click();
  await expect(page.getByRole("alert")).toContainText("Your parts are withdrawn");
  await page.getByRole("button", { name: /^Leave(?! …)/ }).click();
  await expect(page).toHaveURL(/\/consolidations$/);
  await expect(page.getByText("No consolidations.")).toBeVisible();
  expect((await member.ask("GET", path(one))).status).toBe(404);
  const left = (await whole(owner, one)).parts.find((it: Json) => it.id === own.id);
  expect(left.status).toBe("WITHDRAWN");
});

test("an invitation is declined; a token that is no one's is refused", async ({ page, world }) => {
  const [owner, member] = [await world.verifiedCustomer(), await world.verifiedCustomer()];
  const one = await created(owner);
  await owner.post(`${path(one)}/members`, { email: member.email });
  await signIn(page, member);
  await page.goto("/join#forged");
  await page.getByRole("button", { name: "Accept" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  await page.goto("/join");
  await page.getByLabel("Code of the invitation").fill("");
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(page.getByLabel("Code of the invitation")).toHaveAttribute("aria-invalid", "true");
  // A link that is pasted is its code.
  await page.getByLabel("Code of the invitation").fill(`${world.url}${await invitation(world, member.email)}`);
  await page.getByRole("button", { name: "Decline" }).click();
  await expect(page.locator("[data-declined]")).toBeVisible();
  expect((await whole(owner, one)).members.map((it: Json) => it.status).sort()).toEqual(["ACCEPTED", "DECLINED"]);
  expect((await member.ask("GET", path(one))).status).toBe(404);
});

test("an open invitation is withdrawn, and its link is good for nothing", async ({ page, world }) => {
  const [owner, member] = [await world.verifiedCustomer(), await world.verifiedCustomer()];
  const one = await created(owner);
  await owner.post(`${path(one)}/members`, { email: member.email });
  const token = (await invitation(world, member.email)).split("#")[1];
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  const row = page.locator("[data-member]", { hasText: member.email });
  await row.getByRole("button", { name: "Remove" }).click();
  await expect(row.getByRole("alert")).toContainText("Withdraw the invitation");
  await row.getByRole("button", { name: /^Remove(?! …)/ }).click();
  await expect(row).toHaveCount(0);
  expect((await whole(owner, one)).members.filter((it: Json) => it.status === "INVITED")).toEqual([]);
  const answer = await member.ask("POST", "/api/v1/consolidations/join", { token, answer: "ACCEPT" });
  expect(answer.status).toBe(400);
});

test("the owner edits and cancels; an older version is shown beside what was typed", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const one = await created(owner);
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  await page.getByRole("button", { name: "Edit" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name").fill("Typed here");
  expect((await owner.ask("PATCH", path(one), { name: "Changed elsewhere" })).status).toBe(200);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByRole("alert")).toContainText("Changed elsewhere");
  await expect(dialog.getByLabel("Name")).toHaveValue("Typed here");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Typed here");
  expect((await whole(owner, one)).name).toBe("Typed here");
  await page.getByRole("button", { name: "Cancel the consolidation" }).click();
  await page.getByRole("button", { name: /^Cancel the consolidation(?! …)/ }).click();
  await expect(page.locator("[data-status]")).toHaveText("Cancelled");
  expect((await whole(owner, one)).status).toBe("CANCELLED");
  await expect(page.locator("[data-grid], [data-invite], [data-group-search]")).toHaveCount(0);
});

test("a list shows the consolidations of one status", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const [kept, ended] = [await created(owner, "Raipur, week 51"), await created(owner, "Raipur, week 52")];
  await owner.ask("DELETE", path(ended));
  await signIn(page, owner, "/consolidations");
  const rows = page.locator("[data-consolidation]");
  await expect(rows).toHaveCount(2);
  await page.getByLabel("Status").selectOption("CANCELLED");
  await expect(rows).toHaveText([/Raipur, week 52.*Cancelled/]);
  await expect(page).toHaveURL(/status=CANCELLED/);
  await page.getByLabel("Status").selectOption("BOOKED");
  await expect(page.getByText("No consolidation has this status.")).toBeVisible();
  await page.goto("/consolidations?status=PLANNING");
  await expect(page.getByLabel("Status")).toHaveValue("PLANNING");
  await expect(page.locator(`[data-consolidation="${kept.id}"]`)).toBeVisible();
  await expect(rows).toHaveCount(1);
});

test("administrators read the consolidations of all; a stranger reads none of them", async ({
  browser,
  page,
  world,
}) => {
  const [owner, stranger] = [await world.verifiedCustomer(), await world.customer()];
  const one = await created(owner, `Raipur ${randomInt(100_000, 999_999)}`);
  await part(owner, one, { description: "read by staff" });
  await signIn(page, await world.adminOfTests(), "/admin/consolidations");
  const row = page.locator(`[data-consolidation="${one.id}"]`);
  await expect(row).toContainText(one.name);
  await page.goto(`/admin/consolidations?organization_id=${one.organization_id}`);
  await expect(page.locator("[data-consolidation]")).toHaveCount(1);
  await row.getByRole("link", { name: one.name }).click();
  await expect(page.locator("[data-parts]")).toContainText("read by staff");
  // They read, and change nothing.
  await expect(page.locator("[data-parts]").getByRole("button")).toHaveCount(0);
  await expect(page.locator("[data-grid], [data-invite], [data-group-search]")).toHaveCount(0);
  const context = await browser.newContext({ baseURL: world.url });
  const other = await context.newPage();
  await signIn(other, stranger, "/consolidations");
  await expect(other.getByText("No consolidations.")).toBeVisible();
  await other.goto(`/consolidations/${one.id}`);
  await expect(other.getByText("There is no such consolidation")).toBeVisible();
  await other.goto("/admin/consolidations");
  await expect(other.getByRole("table")).toHaveCount(0);
  await context.close();
});
