// Parts of a consolidation: typed and pasted as rows of a spreadsheet, by the keyboard; each is asserted by what the API says.
import { cell, created, FIRST, grid, paste, SECOND, whole } from "./consolidations";
import { expect, signIn, test, type Json } from "./world";

test("rows of a spreadsheet become parts; those that are refused stay with their faults", async ({
  page,
  world,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const owner = await world.verifiedCustomer();
  const one = await created(owner);
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  await cell(page, "House number", 1).focus();
  await paste(
    page,
    "Weight (kg)\tPieces\tHAWB\tOrigin\tDescription\tRemark\r\n" +
      `120.5\t3\tH-1\t\t"silk, ""fine"""\tnone\r\n60\tmany\tH-2\t${SECOND}\tcotton\t\r\n10\t1\tH-3\t${SECOND}\t\t\r\n`,
  );
  await expect(cell(page, "House number", 1)).toHaveValue("H-1");
  await expect(cell(page, "Description", 1)).toHaveValue('silk, "fine"');
  await expect(cell(page, "Origin", 3)).toHaveValue(SECOND);
  // The row after those that were pasted is there, and has the focus.
  await expect(cell(page, "House number", 4)).toBeFocused();
  await page.getByRole("button", { name: "Add 3 parts" }).click();
  await expect(page.locator("[data-added]")).toHaveText("2 added, 1 refused.");
  await expect(cell(page, "House number", 1)).toHaveValue("H-2");
  await expect(cell(page, "Pieces", 1)).toHaveAttribute("aria-invalid", "true");
  await expect(cell(page, "Pieces", 1)).toBeFocused();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("4");
  await page.getByRole("button", { name: "Add 1 part" }).click();
  await expect(page.locator("[data-added]")).toHaveText("1 added, 0 refused.");
  const parts = (await whole(owner, one)).parts.map((it: Json) => [
    it.house_number,
    it.origin,
    it.pieces,
    it.weight_kg,
  ]);
  expect(parts.sort()).toEqual([
    ["H-1", FIRST, 3, 120.5],
    ["H-2", SECOND, 4, 60],
    ["H-3", SECOND, 1, 10],
  ]);
  // Without headings the cells follow from the one that is pasted into.
  await cell(page, "Origin", 1).focus();
  await paste(page, `${FIRST}\t5\t70\n${FIRST}\t6\t80`);
  await expect(cell(page, "Weight (kg)", 2)).toHaveValue("80");
  // A text of one cell is text like any other.
  await cell(page, "Description", 1).focus();
  await paste(page, "wool");
  await expect(cell(page, "Description", 1)).toHaveValue("wool");
});

test("the keyboard goes from row to row, and what is lost on the way is added once", async ({ page, world }) => {
  const owner = await world.verifiedCustomer();
  const one = await created(owner);
  await signIn(page, owner);
  await page.goto(`/consolidations/${one.id}`);
  await cell(page, "Pieces", 1).fill("1");
  await cell(page, "Weight (kg)", 1).fill("10");
  // The next row is new: it begins with its first cell.
  await page.keyboard.press("Enter");
  await expect(cell(page, "House number", 2)).toBeFocused();
  await page.keyboard.type("H-2");
  await page.keyboard.press("ArrowUp");
  await expect(cell(page, "House number", 1)).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(cell(page, "House number", 2)).toBeFocused();
  await grid(page).getByRole("button", { name: "Remove the row 2" }).click();
  await expect(cell(page, "House number", 2)).toHaveValue("");
  await expect(cell(page, "House number", 2)).toBeFocused();
  expect((await whole(owner, one)).parts).toEqual([]);
  // The first answer is lost.
  let isFirst = true;
  await page.route("**/parts", async (route) => {
    if (route.request().method() !== "POST" || !isFirst) return route.continue();
    isFirst = false;
    await route.fetch();
    return route.abort();
  });
  await cell(page, "Weight (kg)", 1).focus();
  await page.keyboard.press("ControlOrMeta+Enter");
  // It is sent again by itself, once the server answers.
  await expect(page.locator("[data-added]")).toHaveText("1 added, 0 refused.", { timeout: 60_000 });
  expect((await whole(owner, one)).parts).toHaveLength(1);
});
